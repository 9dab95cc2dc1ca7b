import asyncio


def print_and_stop(loop):
    print("Hello World")
    loop.stop()


loop = asyncio.get_event_loop()
loop.call_soon(print_and_stop, loop)
loop.run_forever()
loop.close()
