import asyncio


class EchoServerProtocol(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        message = data.decode()
        print('Received %r from %s' % (message, addr[0]))
        print('Send %r to %s' % (message, addr[0]))
        self.transport.sendto(data, addr)


class EchoClientProtocol(asyncio.DatagramProtocol):
    def __init__(self, message, done):
        self.message = message
        self.done = done

    def connection_made(self, transport):
        self.transport = transport
        print('Send:', self.message)
        self.transport.sendto(self.message.encode())

    def datagram_received(self, data, addr):
        print("Received:", data.decode())
        print("Close the socket")
        self.transport.close()

    def connection_lost(self, exc):
        self.done.set_result(exc)


loop = asyncio.get_event_loop()
listen = loop.create_datagram_endpoint(EchoServerProtocol, local_addr=('127.0.0.1', 0))
server, protocol = loop.run_until_complete(listen)
done = asyncio.Future()
connect = loop.create_datagram_endpoint(lambda: EchoClientProtocol("Hello World!", done),
                                        remote_addr=server.get_extra_info('sockname'))
transport, protocol = loop.run_until_complete(connect)
print(loop.run_until_complete(done))
server.close()
loop.close()
