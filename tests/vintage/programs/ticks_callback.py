import asyncio


def tick(left, end_time, loop):
    print("tick")
    if left:
        loop.call_later(0.02, tick, left - 1, end_time, loop)
    else:
        print(loop.time() >= end_time)
        loop.stop()


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.call_soon(tick, 3, loop.time() + 0.06, loop)
loop.run_forever()
loop.close()
