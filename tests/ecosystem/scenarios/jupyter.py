"""A Jupyter kernel: tornado, zmq and IPython on one loop; its client is on the loop under test as well."""

import asyncio
import signal
from typing import Any

from program import Program
from scenario import scenario
from stage import Stage


@scenario("ipykernel", "a kernel and its asynchronous client: await, background tasks, output, interrupt", seconds=90)
async def kernel(stage: Stage) -> dict[str, Any]:
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.connect import write_connection_file

    file, _ = write_connection_file(str(stage.folder / "connection.json"), ip="127.0.0.1")
    program = stage.python(*stage.loop.python, "-m", "ipykernel_launcher", "-f", file)
    # Its client takes a kernel that is slow to start for one that has died.
    await asyncio.to_thread(program.wait_printed, "--existing")
    client = AsyncKernelClient(connection_file=file)
    client.load_connection_file()
    client.hb_channel.time_to_dead = 30.0
    client.start_channels()
    seen: dict[str, Any] = {}
    try:
        await client.wait_for_ready(timeout=60)

        async def run(code: str) -> list[Any]:
            printed: list[str] = []

            def heard(message: Any) -> None:
                content = message["content"]
                printed.append(content.get("text") or content.get("data", {}).get("text/plain") or content.get("ename"))

            reply = await client.execute_interactive(code, output_hook=heard, timeout=40)
            return [reply["content"]["status"], "".join(filter(None, printed))]

        await run("import asyncio; from subject import describe")
        status, loop = await run("await asyncio.sleep(0); describe()")
        stage.loop.check(loop.strip("'"))
        seen["await"] = status
        seen["state"] = await run("task = asyncio.create_task(asyncio.sleep(0.05, 'slept')); 1 + 1")
        seen["task"] = await run("await task")
        seen["gather"] = await run("await asyncio.gather(*(asyncio.sleep(0.001 * n, n) for n in range(20)))")
        seen["printed"] = len((await run("for n in range(300): print(n)"))[1])
        seen["error"] = await run("1 / 0")
        code = "p = await asyncio.create_subprocess_exec('echo', 'said', stdout=-1); (await p.communicate())[0]"
        seen["process"] = await run(code)
        seen["thread"] = await run("await asyncio.to_thread(lambda: sum(range(100)))")
        seen["interrupted"] = await interrupted(client, program, "import time\nfor _ in range(300): time.sleep(0.1)")
        seen["after"] = await run("'still there'")
        client.shutdown()
        seen["status"] = await asyncio.to_thread(program.wait)
    finally:
        client.stop_channels()
    return seen


async def interrupted(client: Any, program: Program, code: str) -> str:
    """Runs code that takes long and interrupts it as a notebook does; returns what the kernel replies."""
    running = asyncio.ensure_future(client.execute_interactive(code, output_hook=lambda _: None, timeout=40))
    await asyncio.sleep(0.5)
    program.signal(signal.SIGINT)
    content = (await running)["content"]
    return f"{content['status']} {content.get('ename')}"
