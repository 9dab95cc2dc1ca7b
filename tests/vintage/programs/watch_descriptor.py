import asyncio
from socket import socketpair

# Create a pair of connected file descriptors
rsock, wsock = socketpair()
loop = asyncio.get_event_loop()


def reader():
    data = rsock.recv(100)
    print("Received:", data.decode())
    # We are done: unregister the file descriptor
    loop.remove_reader(rsock)
    # Stop the event loop
    loop.stop()


# Register the file descriptor for read event
loop.add_reader(rsock, reader)

# Simulate the reception of data from the network
loop.call_soon(wsock.send, 'abc'.encode())

# Run the event loop
loop.run_forever()


@asyncio.coroutine
def wait_for_data(loop):
    # Register the open socket to wait for data
    reader, writer = yield from asyncio.open_connection(sock=rsock, loop=loop)
    loop.call_soon(wsock.send, 'defgh'.encode())
    data = yield from reader.readexactly(3)
    rest = yield from reader.read(100)
    print("Received:", data.decode(), rest.decode())
    writer.close()
    # Close the second socket
    wsock.close()


loop.run_until_complete(wait_for_data(loop))
loop.close()
