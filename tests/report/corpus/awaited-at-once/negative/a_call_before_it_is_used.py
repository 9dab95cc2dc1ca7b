"""Something is called, or a value is looked up, between the Task and its await."""

import asyncio


async def load(number):
    await asyncio.sleep(0)
    return number


def show(text):
    return text


class Settings:
    @property
    def factor(self):
        return 2


settings = Settings()


async def main():
    task = asyncio.create_task(load(1))
    print(show("loading"), await task)
    other = asyncio.create_task(load(2))
    return settings.factor * await other


asyncio.run(main())
