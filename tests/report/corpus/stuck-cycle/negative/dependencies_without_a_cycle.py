import asyncio


class Loader:
    def __init__(self, needs):
        self.needs = needs
        self.tasks = {}

    def load(self, name):
        if name not in self.tasks:
            self.tasks[name] = asyncio.create_task(self._load(name), name=name)
        return self.tasks[name]

    async def _load(self, name):
        await asyncio.gather(*map(self.load, self.needs[name]))
        await asyncio.sleep(60 if name == "slow" else 0)
        return name


async def main():
    loader = Loader({"a": ["b", "c"], "b": ["c"], "c": ["slow"], "slow": []})
    loader.load("a")
    await asyncio.sleep(0.02)
    assert not any(each.done() for each in loader.tasks.values())


asyncio.run(main())
