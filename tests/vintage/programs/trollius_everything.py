from __future__ import print_function
import sys
import trollius
from trollius import From, Return, subprocess


@trollius.coroutine
def plain(value):
    return value


@trollius.coroutine
def plain_return(value):
    raise Return(value)


@trollius.coroutine
def several():
    yield From(None)
    raise Return(1, 2)


@trollius.coroutine
def nothing():
    yield
    raise Return


def undecorated():
    x = yield From(plain(1))
    y = yield plain_return(2)
    raise Return(x, y)


@trollius.coroutine
def fails():
    yield From(trollius.sleep(0))
    raise KeyError("failed")


@trollius.coroutine
def produce(queue):
    for n in range(3):
        yield From(queue.put(n))


@trollius.coroutine
def consume(queue):
    got = []
    while len(got) < 3:
        got.append((yield From(queue.get())))
    raise Return(got)


@trollius.coroutine
def main(loop):
    print((yield From(plain("plain"))), (yield From(plain_return("by Return"))))
    print((yield From(several())), (yield From(nothing())), (yield From(undecorated())))
    try:
        yield From(fails())
    except KeyError as error:
        print("caught", error)
    queue = trollius.Queue(maxsize=1, loop=loop)
    task = trollius.async(consume(queue))
    yield From(produce(queue))
    print((yield From(task)))

    lock = trollius.Lock()
    with (yield From(lock)):
        print("locked", lock.locked())
    print("locked", lock.locked())

    try:
        yield From(trollius.wait_for(trollius.sleep(30), 0.01))
    except trollius.TimeoutError:
        print("timeout")
    waiting = trollius.Task(trollius.sleep(30))
    yield From(trollius.sleep(0))
    waiting.cancel()
    try:
        yield From(waiting)
    except trollius.CancelledError:
        print("cancelled")
    try:
        yield From(5)
    except RuntimeError as error:
        print(error)

    process = yield From(trollius.create_subprocess_exec(sys.executable, "-c", "print('from a child')",
                                                         stdout=subprocess.PIPE))
    out, _ = yield From(process.communicate())
    print(out.decode().strip(), process.returncode)
    try:
        yield From(trollius.open_connection("127.0.0.1", 1))
    except trollius.ConnectionRefusedError:
        print("refused")
    print((yield From(loop.run_in_executor(None, sum, [1, 2]))))
    print((yield From(trollius.gather(plain(1), several(), return_exceptions=True))))


loop = trollius.get_event_loop()
loop.run_until_complete(main(loop))
loop.close()
