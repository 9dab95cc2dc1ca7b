"""httpx's asynchronous client, which works over anyio, against uvicorn, hypercorn (HTTP/2) and nginx."""

import asyncio
import hashlib
from typing import Any

from http_requests import LARGE
from scenario import scenario
from services import nginx
from stage import Stage


async def exercise(client: Any, url: str) -> dict[str, Any]:
    """Uses what clients use; returns what was seen."""
    import httpx

    seen: dict[str, Any] = {}
    digest = f"{len(LARGE)} {hashlib.sha256(LARGE).hexdigest()}"

    async def pieces() -> Any:
        for start in range(0, len(LARGE), 100_000):
            yield LARGE[start : start + 100_000]

    for name, content in (("large body", LARGE), ("chunked body", pieces())):
        response = await client.post(f"{url}/digest", content=content)
        seen[name] = [response.status_code, response.text == digest, response.http_version]
    async with client.stream("GET", f"{url}/stream/200/5000") as response:
        seen["streamed"] = sum([len(piece) async for piece in response.aiter_raw()])

    async def one(index: int) -> int:
        response = await client.post(f"{url}/digest", content=bytes(index * 10))
        assert int(response.text.split()[0]) == index * 10
        return int(response.status_code)

    seen["many"] = sorted(set(await asyncio.gather(*map(one, range(200)))))
    try:
        await client.get(f"{url}/sleep/20", timeout=0.3)
    except httpx.TimeoutException as error:
        seen["timeout"] = type(error).__name__
    task = asyncio.ensure_future(client.get(f"{url}/sleep/20"))
    await asyncio.sleep(0.1)
    task.cancel()
    seen["cancelled"] = type((await asyncio.gather(task, return_exceptions=True))[0]).__name__
    seen["still good"] = (await client.get(f"{url}/stream/1/1")).text
    return seen


@scenario("httpx", "HTTP/1.1 against uvicorn", also=("uvicorn",))
async def against_uvicorn(stage: Stage) -> dict[str, Any]:
    import httpx

    port = stage.free_port()
    stage.python("-m", "uvicorn", "asgi_application:application", "--port", str(port), port=port)
    async with httpx.AsyncClient(timeout=20) as client:
        seen = await exercise(client, f"http://127.0.0.1:{port}")
        try:
            await client.get(f"http://127.0.0.1:{stage.free_port()}/")
        except httpx.ConnectError as error:
            seen["refused"] = type(error).__name__
    return seen


@scenario("httpx", "HTTP/2 over TLS against hypercorn", also=("hypercorn", "trustme"))
async def against_hypercorn(stage: Stage) -> dict[str, Any]:
    import httpx

    port, certificates = stage.free_port(), stage.certificates
    files = ("--certfile", str(certificates.certificate), "--keyfile", str(certificates.key))
    words = ("-m", "hypercorn", "--workers", "0", "--bind", f"127.0.0.1:{port}", *files)
    stage.python(*words, "asgi_application:application", port=port)
    async with httpx.AsyncClient(http2=True, verify=certificates.client(), timeout=20) as client:
        return await exercise(client, f"https://localhost:{port}")


@scenario("httpx", "HTTP/2 over TLS against nginx", also=("trustme",))
async def against_nginx(stage: Stage) -> dict[str, Any]:
    import httpx

    port, certificates = stage.free_port(), stage.certificates
    server = f"""
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {certificates.certificate};
        ssl_certificate_key {certificates.key};
        location / {{ return 200 "$request_method $http_x_name $server_protocol\\n"; }}
    }}"""
    nginx.start(stage, server, port)
    async with httpx.AsyncClient(http2=True, verify=certificates.client(), timeout=20) as client:
        texts = [
            (await client.get(f"https://localhost:{port}/", headers={"x-name": str(index)})).text for index in range(50)
        ]
    assert texts == [f"GET {index} HTTP/2.0\n" for index in range(50)], texts
    async with httpx.AsyncClient() as client:
        try:
            await client.get(f"https://localhost:{port}/")
        except httpx.ConnectError as error:
            return {"answers": len(texts), "not trusted": type(error).__name__}
    raise AssertionError("a certificate of an unknown authority was taken")
