"""aiosmtpd, whose STARTTLS puts asyncio's own `SSLProtocol` above a transport, and aiosmtplib as its client."""

import asyncio
import hashlib
import smtplib
import ssl
from typing import Any

from scenario import scenario
from stage import Stage

SENDER, RECIPIENT = "from@example.org", "to@example.org"


class Box:
    """Keeps what arrives."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Takes one mail."""
        await asyncio.sleep(0.001)
        content = envelope.content.replace(b"\r\n", b"\n")
        self.mails.append((type(session.ssl).__name__, hashlib.sha256(content.strip()).hexdigest()))
        return "250 kept"


def mail(index: int, size: int) -> bytes:
    """Returns a message of about `size` bytes, with lines that begin with a dot."""
    lines = [f"Subject: {index}", "", ".", *(f".{index} {number} " + "x" * 60 for number in range(size // 70))]
    return "\r\n".join(lines).encode()


@scenario("aiosmtpd", "mails by aiosmtplib and smtplib: plain, TLS, STARTTLS", also=("trustme",))
async def mails(stage: Stage) -> dict[str, Any]:
    import aiosmtplib
    from aiosmtpd.smtp import SMTP

    loop, box, seen = asyncio.get_running_loop(), Box(), {}
    context, trusting = stage.certificates.server(), stage.certificates.client()
    plain = await loop.create_server(lambda: SMTP(box, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0)
    secure = await loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0, ssl=context)
    upgrading = await loop.create_server(
        lambda: SMTP(box, loop=loop, tls_context=context, require_starttls=True), "127.0.0.1", 0
    )
    ways: dict[str, tuple[Any, dict[str, Any]]] = {
        "plain": (plain, {"start_tls": False}),
        "TLS": (secure, {"use_tls": True, "tls_context": trusting}),
        "STARTTLS": (upgrading, {"start_tls": True, "tls_context": trusting}),
    }

    async def send(server: Any, options: dict[str, Any], index: int, size: int) -> int:
        port = server.sockets[0].getsockname()[1]
        async with aiosmtplib.SMTP(hostname="localhost", port=port, timeout=20, **options) as client:
            codes = []
            for number in range(3):
                _, answer = await client.sendmail(SENDER, [RECIPIENT], mail(index * 3 + number, size))
                codes.append(answer.partition(" ")[0])
            await client.noop()
        return len(codes)

    for name, (server, options) in ways.items():
        box.mails.clear()
        sizes = (200, 5_000, 400_000)
        sent = await asyncio.gather(*(send(server, options, index, sizes[index % 3]) for index in range(9)))
        seen[name] = [sum(sent), len(box.mails), sorted(box.mails) == sorted(expected(box.mails, sizes))]
    box.mails.clear()
    seen["smtplib"] = await asyncio.to_thread(by_smtplib, upgrading.sockets[0].getsockname()[1], trusting)
    seen["kept"] = [kind for kind, _ in box.mails]
    try:
        port = upgrading.sockets[0].getsockname()[1]
        await aiosmtplib.send(mail(0, 10), sender=SENDER, recipients=[RECIPIENT], port=port, hostname="localhost")
    except (aiosmtplib.SMTPException, ssl.SSLError) as error:
        seen["not trusted"] = type(error).__name__
    for server in (plain, secure, upgrading):
        server.close()
        await server.wait_closed()
    return seen


def expected(got: list[tuple[str, str]], sizes: tuple[int, ...]) -> list[tuple[str, str]]:
    """Returns what the box has if nothing was lost or altered."""
    digests = []
    for index in range(9):
        for number in range(3):
            content = mail(index * 3 + number, sizes[index % 3]).replace(b"\r\n", b"\n").strip()
            digests.append((got[0][0], hashlib.sha256(content).hexdigest()))
    return digests


def by_smtplib(port: int, context: Any) -> list[int]:
    """Sends a mail as the standard library does; returns the answers' codes."""
    with smtplib.SMTP("localhost", port, timeout=20) as client:
        codes = [client.ehlo()[0], client.docmd("MAIL", f"FROM:<{SENDER}>")[0]]
        codes += [client.starttls(context=context)[0], client.ehlo()[0]]
        client.sendmail(SENDER, [RECIPIENT], mail(1, 100_000))
        codes.append(client.noop()[0])
    return codes


@scenario("aiosmtpd", "its Controller, a loop in a thread")
def controller(stage: Stage) -> dict[str, Any]:
    from aiosmtpd.controller import Controller

    loop, box = stage.loop.factory(), Box()
    server = Controller(box, hostname="127.0.0.1", port=stage.free_port(), loop=loop)
    server.start()
    try:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=20) as client:
            client.sendmail(SENDER, [RECIPIENT], mail(1, 1000))
            seen = {"codes": [client.noop()[0]], "kept": len(box.mails)}
    finally:
        server.stop()
    return {**seen, "closed": loop.is_closed()}
