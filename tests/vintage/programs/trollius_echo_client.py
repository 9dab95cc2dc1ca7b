import sys
import trollius as asyncio
from trollius import From, Return


@asyncio.coroutine
def tcp_echo_client(message, loop):
    reader, writer = yield From(asyncio.open_connection('127.0.0.1', int(sys.argv[1]),
                                                        loop=loop))
    print('Send: %r' % message)
    writer.write(message.encode())
    data = yield From(reader.read(100))
    print('Received: %r' % data.decode())
    print('Close the socket')
    writer.close()
    raise Return(len(data))


message = 'Hello World!'
loop = asyncio.get_event_loop()
assert loop.run_until_complete(tcp_echo_client(message, loop)) == 12
loop.close()
