"""Scrapy on Twisted's asyncio reactor, which takes the class of the loop as a setting."""

import json
from typing import Any

from scenario import scenario
from stage import APPLICATIONS, Stage


@scenario("scrapy", "a crawl with asynchronous callbacks and pipelines", also=("aiohttp",))
def crawl(stage: Stage) -> dict[str, Any]:
    port = stage.free_port()
    stage.python(str(APPLICATIONS / "scrapy_site.py"), str(port), port=port)
    chosen = "tepal.EventLoop" if stage.loop.is_tepal else "asyncio.SelectorEventLoop"
    words = (str(APPLICATIONS / "scrapy_program.py"), str(port), chosen)
    program = stage.python(*words)
    status = program.wait(50)
    lines = [line for line in program.text().splitlines() if line.startswith('{"')]
    assert lines, program.text()
    seen: dict[str, Any] = json.loads(lines[-1])
    stage.loop.check(seen.pop("loop"))
    return {**seen, "status": status, "tracebacks": program.tracebacks()}
