import asyncio.subprocess
import sys


@asyncio.coroutine
def get_date():
    code = 'import datetime; print(datetime.date(2014, 3, 16))'

    # Create the subprocess, redirect the standard output into a pipe
    create = asyncio.create_subprocess_exec(sys.executable, '-c', code,
                                            stdout=asyncio.subprocess.PIPE)
    proc = yield from create

    # Read one line of output
    data = yield from proc.stdout.readline()
    line = data.decode('ascii').rstrip()

    # Wait for the subprocess exit
    yield from proc.wait()
    return line


@asyncio.coroutine
def shell(loop):
    proc = yield from asyncio.create_subprocess_shell(
        'cat; exit 3', stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, loop=loop)
    out, err = yield from proc.communicate(b'through a pipe')
    return out, err, proc.returncode


loop = asyncio.get_event_loop()
date = loop.run_until_complete(get_date())
print("Current date: %s" % date)
print(loop.run_until_complete(shell(loop)))
loop.close()
