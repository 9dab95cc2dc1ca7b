import asyncio


class Loader:
    """Each name is loaded by one Task; whoever needs it awaits that."""

    def __init__(self, needs):
        self.needs = needs
        self.tasks = {}

    def load(self, name):
        if name not in self.tasks:
            self.tasks[name] = asyncio.create_task(self._load(name), name=name)
        return self.tasks[name]

    async def _load(self, name):
        for needed in self.needs[name]:
            await self.load(needed)  # expect: stuck cycle
        return name


async def main():
    loader = Loader({"a": ["leaf", "b"], "b": ["c"], "c": ["leaf", "a"], "leaf": []})
    loader.load("a")
    del loader
    await asyncio.sleep(0.05)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
for task in asyncio.all_tasks(loop):
    task._log_destroy_pending = False
loop.close()
