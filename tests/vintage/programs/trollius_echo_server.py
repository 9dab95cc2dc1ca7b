from __future__ import print_function
import trollius
from trollius import From


@trollius.coroutine
def handle_echo(reader, writer):
    data = yield From(reader.read(100))
    message = data.decode()
    addr = writer.get_extra_info('peername')
    print("Received %r from %r" % (message, addr[0]))

    print("Send: %r" % message)
    writer.write(data)
    yield From(writer.drain())

    print("Close the client socket")
    writer.close()


loop = trollius.get_event_loop()
coro = trollius.start_server(handle_echo, '127.0.0.1', 0, loop=loop)
server = loop.run_until_complete(coro)

print('port {0}'.format(server.sockets[0].getsockname()[1]), flush=True)
try:
    loop.run_forever()
except KeyboardInterrupt:
    pass

server.close()
loop.run_until_complete(server.wait_closed())
loop.close()
