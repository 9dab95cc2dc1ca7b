import asyncio
import functools
import os
import signal


def ask_exit(signame):
    print("got signal %s: exit" % signame)
    loop.stop()


loop = asyncio.get_event_loop()
for signame in ('SIGINT', 'SIGTERM'):
    loop.add_signal_handler(getattr(signal, signame),
                            functools.partial(ask_exit, signame))
loop.call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
try:
    loop.run_forever()
finally:
    loop.close()
