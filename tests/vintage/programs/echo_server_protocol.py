import asyncio


class EchoServerClientProtocol(asyncio.Protocol):
    def connection_made(self, transport):
        host, port = transport.get_extra_info('peername')
        print('Connection from {}'.format(host))
        self.transport = transport

    def data_received(self, data):
        message = data.decode()
        print('Data received: {!r}'.format(message))

        print('Send: {!r}'.format(message))
        self.transport.write(data)

        print('Close the client socket')
        self.transport.close()


loop = asyncio.get_event_loop()
# Each client connection will create a new protocol instance
coro = loop.create_server(EchoServerClientProtocol, '127.0.0.1', 0)
server = loop.run_until_complete(coro)

# Serve requests until Ctrl+C is pressed
print('port {}'.format(server.sockets[0].getsockname()[1]), flush=True)
try:
    loop.run_forever()
except KeyboardInterrupt:
    pass

# Close the server
server.close()
loop.run_until_complete(server.wait_closed())
loop.close()
