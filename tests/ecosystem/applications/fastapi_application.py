"""A FastAPI project in one file: endpoints of both kinds, dependencies, uploads, streams, a WebSocket."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, UploadFile, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from subject import describe

done: list[str] = []


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
    """Keeps a task of its own for as long as the application runs."""
    ticks = asyncio.Queue[int](1)

    async def tick() -> None:
        for number in range(1_000_000):
            await ticks.put(number)

    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(tick())
        yield {"ticks": ticks}
        ticking.cancel()
    print("[application gone]", flush=True)


application = FastAPI(lifespan=lifespan)


class Item(BaseModel):
    """What a client sends."""

    name: str
    price: float


def threaded() -> Iterator[str]:
    """A dependency that FastAPI runs in a thread, before the request and after it."""
    yield f"main {threading.current_thread() is threading.main_thread()}"
    done.append("threaded")


async def awaited() -> AsyncIterator[str]:
    """A dependency that FastAPI runs on the loop."""
    await asyncio.sleep(0)
    yield "awaited"
    done.append("awaited")


@application.get("/loop")
async def loop() -> str:
    return describe()


@application.get("/thread/{number}")
def thread(number: int, first: Annotated[str, Depends(threaded)], second: Annotated[str, Depends(awaited)]) -> Any:
    return {"number": number, "dependencies": [first, second]}


@application.post("/items")
async def items(item: Item, background: BackgroundTasks) -> Any:
    background.add_task(done.append, f"item {item.name}")
    return {"total": item.price * 2}


@application.post("/upload")
async def upload(file: UploadFile) -> Any:
    size = 0
    while chunk := await file.read(10_000):
        size += len(chunk)
    return {"name": file.filename, "size": size}


@application.get("/stream")
async def stream() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        for index in range(200):
            await asyncio.sleep(0)
            yield b"%03d" % index

    return StreamingResponse(parts(), media_type="text/plain")


@application.get("/threaded-stream")
def threaded_stream() -> StreamingResponse:
    return StreamingResponse((b"%03d" % index for index in range(50)), media_type="text/plain")


@application.get("/error")
async def error() -> None:
    raise HTTPException(418, "as asked")


@application.get("/done")
async def what_is_done() -> list[str]:
    return sorted(set(done))


@application.websocket("/chat")
async def chat(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_json({"heard": await socket.receive_text()})
    except WebSocketDisconnect as gone:
        done.append(f"gone {gone.code}")
        print(f"[gone {gone.code}]", flush=True)
