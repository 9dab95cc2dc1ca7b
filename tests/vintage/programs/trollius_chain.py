from __future__ import print_function
import trollius as asyncio
from trollius import From, Return


@asyncio.coroutine
def compute(x, y):
    print("Compute %s + %s ..." % (x, y))
    yield From(asyncio.sleep(0.05))
    raise Return(x + y)


@asyncio.coroutine
def print_sum(x, y):
    result = yield From(compute(x, y))
    print("%s + %s = %s" % (x, y, result))


loop = asyncio.get_event_loop()
loop.run_until_complete(print_sum(1, 2))
loop.close()
