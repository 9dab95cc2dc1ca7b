"""One connection's life: who sends how much, and how it ends."""

import asyncio
import contextlib
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field

from content import Stream
from ends import FAULTS, ProtocolEnd, Wire

KINDS = ("protocol", "buffered", "streams", "sock")
FAMILIES = {"tcp": 20, "unix": 20, "tls": 10, "pipe": 10, "process": 1}
"""What a conversation goes over, and how often; a process takes a thousand times as long to start as a connection."""
TAKE_FILES = ("tcp", "unix", "tls")
"""The families that ``sendfile()`` takes; TLS has no half close."""
GOOD_ENDS = ("orderly", "half close")
BAD_ENDS = ("client aborts", "server aborts", "client is cancelled", "server is cancelled", "client vanishes")
ENDS = GOOD_ENDS * 4 + BAD_ENDS * 2
HEADER = 8
"""Bytes with which a client says which plan it follows."""


class Broken(Exception):
    """A conversation breaks off on purpose."""


@dataclass
class Plan:
    """What a conversation is going to do; both sides know it."""

    number: int
    seed: int
    family: str
    client: str
    server: str
    end: str
    up: int
    down: int
    files: str = ""
    """The side that sends files between its other pieces. Not both: who sends one does not read meanwhile."""
    client_done: bool = False
    server_done: bool = False
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"conversation {self.number} (seed {self.seed}): {self.client} to {self.server} over {self.family}, "
            f"{self.up} bytes up, {self.down} down, {self.end}{self.files and f', files of the {self.files}'}"
        )


def make_plan(number: int, rng: random.Random) -> Plan:
    """A plan by chance: mostly small, some of megabytes."""

    def volume() -> int:
        return int(min(rng.lognormvariate(9, 2.5), 3_000_000)) + 1

    family = rng.choices(list(FAMILIES), list(FAMILIES.values()))[0]
    end = rng.choice(ENDS)
    return Plan(
        number=number,
        seed=rng.randrange(1 << 32),
        family=family,
        client=rng.choice(KINDS),
        server=rng.choice(KINDS),
        end="orderly" if (family, end) == ("tls", "half close") else end,
        up=volume(),
        down=volume(),
        files=rng.choice(("", "", "client", "server")) if family in TAKE_FILES else "",
    )


class Side:
    """One side of a conversation, which sends and receives at the same time."""

    def __init__(self, plan: Plan, side: str, wire: Wire, moved: Callable[[], None] = lambda: None) -> None:
        self.plan, self.side, self.wire, self.moved = plan, side, wire, moved
        self.rng = random.Random(f"{plan.seed} {side}")
        up, down = Stream(plan.seed, plan.up), Stream(plan.seed // 3, plan.down)
        self.outgoing, self.incoming = (up, down) if side == "client" else (down, up)
        self.slow = self.rng.random() < 0.25
        self.one_way = asyncio.Lock()
        self.breaks_after = None
        if plan.end == f"{side} aborts":
            self.breaks_after = self.rng.randrange(self.outgoing.total + 1)

    async def pause(self) -> None:
        """Now and then, let others go first; the slow ones let the other end wait."""
        chance = self.rng.random()
        if self.slow and chance < 0.3:
            pauses = chance < 0.1 and isinstance(self.wire, ProtocolEnd) and self.plan.files != self.side
            if pauses:
                self.wire.pause_reading()
            await asyncio.sleep(self.rng.random() * 0.004)
            if pauses:
                self.wire.resume_reading()
        elif chance < 0.1:
            await asyncio.sleep(0)

    async def send_all(self) -> None:
        """Send the whole stream in pieces of any size."""
        while self.outgoing.left:
            if self.breaks_after is not None and self.outgoing.done >= self.breaks_after:
                raise Broken
            biggest = self.rng.choice((1, 100, 4096, 65536, 300_000))
            count = self.rng.choice((1, 1, 1, 2, 5, 40))
            pieces = [self.outgoing.next(self.rng.randint(1, biggest)) for _ in range(count)]
            if self.plan.files == self.side and self.rng.random() < 0.3:
                await self.send_file(b"".join(pieces))
            else:
                await self.wire.send([piece for piece in pieces if piece])
            self.moved()
            await self.pause()
        if self.breaks_after is not None:
            raise Broken

    async def send_file(self, content: bytes) -> None:
        """Send a part of a file. Nobody may resume reading while asyncio sends one, so nothing is taken meanwhile."""
        before = self.rng.choice((0, 0, 1, 5000))
        with tempfile.TemporaryFile(buffering=self.rng.choice((0, -1))) as file:
            file.write(bytes(before) + content + b"not this")
            file.seek(before)  # which flushes; from where it stands asyncio sends above TLS when the offset is 0
            async with self.one_way:
                sent = await self.wire.send_file(file, before, len(content))
            expected = (len(content), before + len(content) if content else file.tell())
            if (sent, file.tell()) != expected:
                self.plan.faults.append(
                    f"{self.side}: a file's {sent} bytes sent, now at {file.tell()}, not {expected}"
                )

    async def receive_all(self) -> None:
        """Receive and check the whole stream, or up to where the other side broke off."""
        while self.incoming.left:
            async with self.one_way:
                data = await self.wire.receive(self.rng.choice((1, 1000, 16384, 65536, 262_144)))
            if not data:
                raise ConnectionResetError("the other side closed before everything had arrived")
            self.incoming.check(data)
            self.moved()
            await self.pause()

    async def talk(self) -> None:
        """Both ways at once, then the end that the plan has. Raises ConnectionError, `Broken` or `Altered`."""
        tasks = [asyncio.ensure_future(self.send_all()), asyncio.ensure_future(self.receive_all())]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self.plan.end == "half close":
            self.wire.half_close()
        elif self.side == "server" or self.plan.end != "orderly":
            return
        # With half closes either side sees the end of the other; else the server closes first.
        if rest := await self.wire.receive(1000):
            self.plan.faults.append(f"{self.side} received {len(rest)} bytes after the last one")

    async def run(self) -> bool:
        """The whole side; tells whether everything was sent and received."""
        complete = False
        good = self.plan.end in GOOD_ENDS
        try:
            await self.talk()
            await self.wire.close()
            complete = True
        except Broken:
            self.wire.abort()
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            self.wire.abort()
            if good:
                self.plan.faults.append(f"{self.side}: {error!r}")
        except asyncio.CancelledError:
            self.wire.abort()
            raise
        except BaseException as error:
            self.plan.faults.append(f"{self.side}: {error!r}")
            self.wire.abort()
        return complete


async def run_side(side: Side) -> bool:
    """Run a side, and cancel it by chance if its plan says so."""
    plan = side.plan
    if plan.end != f"{side.side} is cancelled":
        return await side.run()
    task = asyncio.ensure_future(side.run())
    delay = side.rng.random() * 0.03
    asyncio.get_running_loop().call_later(delay, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        return await task
    return False


def check_done(plan: Plan) -> None:
    """Add to `FAULTS` what is wrong with a conversation that is over on both sides."""
    FAULTS.extend(f"{fault} in {plan}" for fault in plan.faults)
    if plan.end in GOOD_ENDS and not plan.faults and not (plan.client_done and plan.server_done):
        who = "client" if not plan.client_done else "server"
        FAULTS.append(f"the {who} did not finish {plan}")
