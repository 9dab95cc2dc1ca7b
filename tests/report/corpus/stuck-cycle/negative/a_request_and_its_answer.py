import asyncio


async def asks(questions, answers):
    await questions.put("?")
    await answers.get()


async def answers_slowly(questions, answers):
    question = await questions.get()
    await asyncio.sleep(60)
    await answers.put(question)


async def main():
    questions, answers = asyncio.Queue(), asyncio.Queue()
    tasks = [asyncio.create_task(each(questions, answers)) for each in (asks, answers_slowly)]
    del questions, answers
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in tasks)


asyncio.run(main())
