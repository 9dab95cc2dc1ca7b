"""The servers that the network benches put on every loop, each as a program of its kind is usually written."""

from servers import churn, datagrams, echo, http, spawn, tls
from servers.server import Start

KINDS: dict[str, Start] = {
    "protocol": echo.start_protocol,
    "buffered": echo.start_buffered,
    "streams": echo.start_streams,
    "sock": echo.start_sock,
    "churn": churn.start,
    "datagrams": datagrams.start,
    "spawn": spawn.start,
    "tls_protocol": tls.start_protocol,
    "tls_buffered": tls.start_buffered,
    "tls_streams": tls.start_streams,
    "tls_handshakes": tls.start_handshakes,
    "uvicorn": http.start_uvicorn,
    "aiohttp": http.start_aiohttp,
    "uvicorn_tls": http.start_uvicorn_tls,
    "aiohttp_tls": http.start_aiohttp_tls,
}
"""Kind to the coroutine function that starts it on the running loop and returns its port."""
