import asyncio
import functools
import os

loop = asyncio.new_event_loop()
asyncio.set_event_loop(None)


class Service(object):
    def __init__(self, loop):
        self._loop = loop
        self.queue = asyncio.Queue(loop=loop)
        self.lock = asyncio.Lock(loop=loop)
        self.stopped = asyncio.Event(loop=loop)
        self.served = asyncio.Condition(self.lock, loop=loop)
        self.count = 0

    @asyncio.coroutine
    def start(self):
        factory = functools.partial(asyncio.StreamReaderProtocol, asyncio.StreamReader(loop=self._loop),
                                    self.handle, loop=self._loop)
        self.server = yield from self._loop.create_server(factory, '127.0.0.1', 0)
        return self.server.sockets[0].getsockname()

    def handle(self, reader, writer):
        line = yield from reader.readline()
        yield from self.queue.put(line)
        writer.write(line.upper())
        yield from writer.drain()
        writer.close()
        with (yield from self.served):
            self.count += 1
            self.served.notify_all()

    @classmethod
    @asyncio.coroutine
    def make(cls, loop):
        service = cls(loop)
        return service, (yield from service.start())

    @staticmethod
    @asyncio.coroutine
    def ask(address, loop, line):
        reader, writer = yield from asyncio.open_connection(*address, loop=loop)
        writer.write(line + b'\n')
        answer = yield from asyncio.wait_for(reader.readline(), 5, loop=loop)
        writer.close()
        return answer


@asyncio.coroutine
def main():
    service, address = yield from Service.make(loop)
    answers = yield from asyncio.gather(*[service.ask(address, loop, word) for word in (b'spam',)], loop=loop)
    with (yield from service.served):
        yield from service.served.wait_for(lambda: service.count == 1)
    print(answers, (yield from service.queue.get()))
    service.server.close()
    yield from service.server.wait_closed()

    done, pending = yield from asyncio.wait(
        {asyncio.async(asyncio.sleep(0, n, loop=loop), loop=loop) for n in range(3)}, loop=loop)
    print(sorted(task.result() for task in done), pending)
    print((yield from asyncio.shield(asyncio.sleep(0, "shielded", loop=loop), loop=loop)))
    print(asyncio.Task.current_task(loop=loop) in asyncio.Task.all_tasks(loop=loop))


@asyncio.coroutine
def pipes():
    read, write = os.pipe()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = yield from loop.connect_read_pipe(lambda: protocol, os.fdopen(read, 'rb'))
    os.write(write, b'through a pipe\n')
    os.close(write)
    print((yield from reader.readline()), (yield from reader.read()), reader.at_eof())
    transport.close()


try:
    asyncio.get_event_loop()
except RuntimeError:
    print("no loop of the thread's own")
future = asyncio.gather(asyncio.sleep(0, 1, loop=loop), asyncio.sleep(0, 2, loop=loop), loop=loop)
print(loop.run_until_complete(future))
loop.run_until_complete(main())
loop.run_until_complete(pipes())
loop.close()
