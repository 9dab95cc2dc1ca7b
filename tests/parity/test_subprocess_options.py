"""Every keyword of ``subprocess.Popen`` on a loop: what the child sees, and what is refused."""

import asyncio
import errno
import fcntl
import grp
import os
import pwd
import signal
import sys

import pytest

PIPE = asyncio.subprocess.PIPE
PYTHON = sys.executable


async def output_of(*arguments, **options):
    """Run a program to its end; return what it printed."""
    process = await asyncio.create_subprocess_exec(*arguments, **{"stdout": PIPE} | options)
    output, _ = await asyncio.wait_for(process.communicate(), 15)
    assert process.returncode == 0
    return output


async def told(expression, **options):
    """The value of an expression in a child process, as text."""
    program = f"import os, sys; print({expression}, end='')"
    return (await output_of(PYTHON, "-I", "-S", "-c", program, **options)).decode()


async def test_cwd(loop, tmp_path):
    assert await told("os.getcwd()", cwd=tmp_path) == str(tmp_path.resolve())
    with pytest.raises(FileNotFoundError) as raised:
        await told("1", cwd=tmp_path / "nothing")
    assert raised.value.filename == tmp_path / "nothing"


async def test_env(loop):
    assert await told("sorted(os.environ.items())", env={"ONE": "1", "LC_ALL": "C"}) in (
        "[('LC_ALL', 'C'), ('ONE', '1')]",
        "[('LC_ALL', 'C'), ('LC_CTYPE', 'C.UTF-8'), ('ONE', '1')]",
    )


async def test_umask(loop):
    assert await told("oct(os.umask(0))", umask=0o027) == "0o27"


async def test_start_new_session(loop):
    assert await told("os.getsid(0) == os.getpid()", start_new_session=True) == "True"
    assert await told("os.getsid(0)", start_new_session=False) == str(os.getsid(0))


async def test_process_group(loop):
    assert await told("os.getpgid(0) == os.getpid()", process_group=0) == "True"
    assert await told("os.getpgid(0)", process_group=None) == str(os.getpgid(0))


async def test_preexec_fn(loop):
    assert await told("os.environ['SET'], os.nice(0)", preexec_fn=lambda: os.nice(1), env={"SET": "here"}) == (
        f"here {os.nice(0) + 1}"
    )


async def test_preexec_fn_that_fails(loop):
    def fail():
        raise ZeroDivisionError

    with pytest.raises(Exception, match="Exception occurred in preexec_fn"):
        await told("1", preexec_fn=fail)


async def test_pass_fds(loop):
    reading, writing = os.pipe()
    try:
        seen = f"[fd for fd in ({reading}, {writing}) if os.path.exists(f'/proc/self/fd/{{fd}}')]"
        assert await told(seen) == "[]"
        assert await told(seen, pass_fds=[writing]) == f"[{writing}]"
        os.set_inheritable(reading, True)
        assert await told(seen, close_fds=False) == f"[{reading}]"
    finally:
        os.close(reading)
        os.close(writing)


async def test_pipesize(loop):
    process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE, pipesize=8192)
    sizes = []
    for number in (0, 1):
        pipe = process._transport.get_pipe_transport(number).get_extra_info("pipe")
        sizes.append(fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ))
    assert sizes == [8192, 8192]
    data = os.urandom(100_000)
    output, _ = await asyncio.wait_for(process.communicate(data), 15)
    assert output == data


async def test_real_pipes(loop):
    kinds = "[os.readlink(f'/proc/self/fd/{fd}').partition(':')[0] for fd in (0, 1)]"
    assert await told(kinds, stdin=PIPE) in ("['pipe', 'pipe']", "['socket', 'pipe']")
    # asyncio makes the child's standard input a socket where that is needed to see its end; on Linux it is none.
    assert await told(kinds, stdin=asyncio.subprocess.DEVNULL) == "['/dev/null', 'pipe']"


async def test_files_and_devnull(loop, tmp_path):
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(b"content")
    with source.open("rb") as reading, target.open("wb") as writing:
        process = await asyncio.create_subprocess_exec("cat", stdin=reading, stdout=writing)
        assert process.stdin is None and process.stdout is None
        assert await process.wait() == 0
    assert target.read_bytes() == b"content"


async def test_errors_with_the_output(loop):
    program = "echo out; echo err >&2"
    assert await output_of("sh", "-c", program, stderr=asyncio.subprocess.STDOUT) == b"out\nerr\n"


async def test_executable(loop):
    assert await output_of("called so", "-c", "echo $0", executable="/bin/sh") == b"called so\n"


async def test_restore_signals(loop):
    ignored = "[line.split()[1] for line in open('/proc/self/status') if line.startswith('SigIgn')][0]"
    bit = 1 << (signal.SIGXFSZ - 1)
    program = "read line < /dev/null; grep SigIgn /proc/self/status"
    del ignored
    kept = await output_of("sh", "-c", program, restore_signals=False)
    restored = await output_of("sh", "-c", program, restore_signals=True)
    assert int(kept.split()[1], 16) & bit and not int(restored.split()[1], 16) & bit


async def test_a_shell(loop):
    process = await asyncio.create_subprocess_shell("echo $((6 * 7)); exit 5", stdout=PIPE)
    output, _ = await asyncio.wait_for(process.communicate(), 15)
    assert (process.returncode, output) == (5, b"42\n")


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")


@only_root
@pytest.mark.parametrize("by", ["number", "name"])
async def test_user_and_groups(loop, by):
    user, group = pwd.getpwnam("nobody"), grp.getgrgid(pwd.getpwnam("nobody").pw_gid)
    options = {
        "user": user.pw_uid if by == "number" else user.pw_name,
        "group": group.gr_gid if by == "number" else group.gr_name,
        "extra_groups": [group.gr_gid if by == "number" else group.gr_name],
    }
    process = await asyncio.create_subprocess_exec("id", "-u", stdout=PIPE, cwd="/", **options)
    output, _ = await process.communicate()
    assert output == b"%d\n" % user.pw_uid
    process = await asyncio.create_subprocess_exec("id", "-G", stdout=PIPE, cwd="/", **options)
    output, _ = await process.communicate()
    assert output == b"%d\n" % group.gr_gid


@pytest.mark.parametrize(("options", "error", "text"), [
    ({"universal_newlines": True}, ValueError, "universal_newlines must be False"),
    ({"shell": True}, ValueError, "shell must be False"),
    ({"bufsize": 1}, ValueError, "bufsize must be 0"),
    ({"text": True}, ValueError, "text must be False"),
    ({"encoding": "utf-8"}, ValueError, "encoding must be None"),
    ({"errors": "strict"}, ValueError, "errors must be None"),
    ({"no_such_keyword": 1}, TypeError, "no_such_keyword"),
    ({"user": -1}, ValueError, "User ID cannot be negative"),
    ({"group": -1}, ValueError, "Group ID cannot be negative"),
    ({"user": "nobody has this name"}, KeyError, "nobody has this name"),
])  # fmt: skip
async def test_what_is_refused(loop, options, error, text):
    with pytest.raises(error, match=text):
        await loop.subprocess_exec(asyncio.SubprocessProtocol, "true", **options)


@pytest.mark.parametrize(("options", "text"), [
    ({"universal_newlines": True}, "universal_newlines must be False"),
    ({"shell": False}, "shell must be True"),
    ({"bufsize": 4096}, "bufsize must be 0"),
    ({"text": True}, "text must be False"),
])  # fmt: skip
async def test_what_a_shell_is_refused(loop, options, text):
    with pytest.raises(ValueError, match=text):
        await loop.subprocess_shell(asyncio.SubprocessProtocol, "true", **options)
    with pytest.raises(ValueError, match="cmd must be a string"):
        await loop.subprocess_shell(asyncio.SubprocessProtocol, ["true"])


@pytest.mark.parametrize(("program", "number"), [
    ("/nonexistent/program", errno.ENOENT), ("/etc/passwd", errno.EACCES), ("/", errno.EACCES),
])  # fmt: skip
async def test_programs_that_cannot_run(loop, program, number):
    with pytest.raises(OSError) as raised:
        await asyncio.create_subprocess_exec(program, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert raised.value.errno == number and raised.value.filename == program
