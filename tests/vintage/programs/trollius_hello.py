import trollius


@trollius.coroutine
def greet_every(seconds, times):
    for _ in range(times):
        print('Hello World')
        yield trollius.From(trollius.sleep(seconds))
    raise trollius.Return("done")


loop = trollius.get_event_loop()
print(loop.run_until_complete(greet_every(0.01, 2)))
loop.close()
