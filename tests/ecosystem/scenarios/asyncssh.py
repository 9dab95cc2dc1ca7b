"""asyncssh: a server and its clients on one loop, with processes, files, and connections through the tunnel."""

import asyncio
import hashlib
import os
from typing import Any

from scenario import scenario
from stage import Stage


async def session(process: Any) -> None:
    """Runs in the server what a client asks for: `upper` and `wait` itself, everything else as a child process."""
    if process.command == "upper":
        async for line in process.stdin:
            process.stdout.write(line.upper())
        process.stderr.write(b"that was all\n")
        process.exit(3)
        return
    if process.command == "wait":
        await process.wait_closed()
        return
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_shell(process.command, stdin=pipe, stdout=pipe, stderr=pipe)
    output, errors = await child.communicate(await process.stdin.read())
    process.stdout.write(output)
    process.stderr.write(errors)
    process.exit(child.returncode)


async def listen(stage: Stage) -> Any:
    """Starts an SSH server that lets everybody in."""
    import asyncssh

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return username == "guarded"

        def connection_requested(self, *addresses: Any) -> bool:
            return True

        def server_requested(self, *address: Any) -> bool:
            return True

    key = asyncssh.generate_private_key("ssh-ed25519")
    options = {"server_host_keys": [key], "process_factory": session, "sftp_factory": True, "allow_scp": True}
    return await asyncssh.listen("127.0.0.1", 0, server_factory=Server, encoding=None, **options)


def connect(server: Any, **options: Any) -> Any:
    """Returns what connects to the server when it is awaited or entered."""
    import asyncssh

    chosen = {"known_hosts": None, "client_keys": None, "config": None, "username": "somebody", **options}
    return asyncssh.connect("127.0.0.1", server.get_port(), **chosen)


@scenario("asyncssh", "commands with input, output and exit status; many at once; cancelling")
async def commands(stage: Stage) -> dict[str, Any]:
    import asyncssh

    seen: dict[str, Any] = {}
    async with await listen(stage) as server, connect(server) as connection:
        done = await connection.run("upper", input="one\ntwo\n")
        seen["upper"] = [done.stdout, done.stderr, done.exit_status]
        large = os.urandom(3_000_000)
        done = await connection.run("cat", input=large, encoding=None)
        seen["cat"] = [done.stdout == large, done.exit_status]
        done = await connection.run("cat >&2; exit 7", input="to stderr")
        seen["status"] = [done.stdout, done.stderr, done.exit_status]
        many = await asyncio.gather(*(connection.run(f"cat; echo {number}", input="in ") for number in range(30)))
        seen["many"] = [one.stdout for one in many]
        try:
            await connection.run("cat; exit 1", input="in", check=True)
        except asyncssh.ProcessError as error:
            seen["checked"] = error.exit_status
        try:
            await asyncio.wait_for(connection.run("wait"), 0.2)
        except TimeoutError as error:
            seen["cancelled"] = type(error).__name__
        async with connection.create_process("upper") as process:
            for number in range(100):
                process.stdin.write(f"line {number}\n")
                assert await process.stdout.readline() == f"LINE {number}\n"
            process.stdin.write_eof()
            seen["in turns"] = [await process.stdout.read(), (await process.wait()).exit_status]
        await connection.run("cat", stdin="/etc/services", stdout=str(stage.folder / "copy"))
        seen["files"] = (stage.folder / "copy").read_bytes() == await asyncio.to_thread(read, "/etc/services")
        try:
            await connect(server, username="guarded")
        except asyncssh.PermissionDenied as error:
            seen["denied"] = type(error).__name__
    try:
        await connect(server)
    except OSError as error:
        seen["closed"] = type(error).__name__
    return seen


def read(path: str) -> bytes:
    """Returns a file's content."""
    with open(path, "rb") as file:
        return file.read()


@scenario("asyncssh", "SFTP, SCP, forwarded ports and sockets")
async def tunnel(stage: Stage) -> dict[str, Any]:
    import asyncssh

    async def double(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            writer.write(line + line)
        writer.close()

    async def through(*address: Any) -> bool:
        opened = asyncio.open_connection(*address) if len(address) == 2 else asyncio.open_unix_connection(*address)
        reader, writer = await opened
        lines = [os.urandom(500).hex().encode() + b"\n" for _ in range(200)]
        writer.writelines(lines)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer == b"".join(line + line for line in lines)

    seen: dict[str, Any] = {}
    source, content = stage.folder / "source", os.urandom(2_000_000)
    source.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    doubling = await asyncio.start_server(double, "127.0.0.1", 0)
    behind = doubling.sockets[0].getsockname()[1]
    async with await listen(stage) as server, connect(server) as connection:
        async with connection.start_sftp_client() as sftp:
            await sftp.put(str(source), str(stage.folder / "there"))
            await sftp.get(str(stage.folder / "there"), str(stage.folder / "back"))
            seen["size"] = (await sftp.stat(str(stage.folder / "there"))).size
            try:
                await sftp.open(str(stage.folder / "nowhere"))
            except asyncssh.SFTPNoSuchFile as error:
                seen["missing"] = type(error).__name__
        await asyncssh.scp(str(source), (connection, str(stage.folder / "copied")))
        digests = [hashlib.sha256((stage.folder / name).read_bytes()).hexdigest() for name in ("back", "copied")]
        seen["digests"] = digests == [digest, digest]
        local = await connection.forward_local_port("127.0.0.1", 0, "127.0.0.1", behind)
        remote = await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", behind)
        path = str(stage.folder / "forwarded")
        unix = await connection.forward_local_path_to_port(path, "127.0.0.1", behind)
        ways: list[tuple[Any, ...]] = [("127.0.0.1", local.get_port()), ("127.0.0.1", remote.get_port()), (path,)]
        seen["tunnels"] = await asyncio.gather(*(through(*way) for way in ways * 5))
        for listener in (local, remote, unix):
            listener.close()
            await listener.wait_closed()
        async with connect(server, tunnel=connection) as inner:
            seen["SSH in SSH"] = (await inner.run("upper", input="in\n")).stdout
    doubling.close()
    await doubling.wait_closed()
    return seen
