"""Programs that come from Debian's packages: found, or installed if this is root's machine to install on."""

import contextlib
import errno
import functools
import glob
import os
import random
import shutil
import socket
import subprocess
from pathlib import Path

# Where Debian puts servers, beside what PATH names.
FOLDERS = ("/usr/sbin", "/usr/lib/postgresql/*/bin")
INSTALL_LIMIT = 300

CLIENT_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Servers that people run stand mostly below this; with fewer ports left, two programs would often choose the same.
LOWEST_PORT, FEWEST_PORTS = 15_000, 5_000


class Unavailable(Exception):
    """A service cannot be had on this machine; says why."""


def find(program: str) -> str | None:
    """Returns the path of an installed program, or None."""
    folders = [folder for pattern in FOLDERS for folder in sorted(glob.glob(pattern), reverse=True)]
    return shutil.which(program, path=os.pathsep.join([*folders, os.environ.get("PATH", "")]))


@functools.cache
def _update() -> None:
    subprocess.run(["apt-get", "update", "--quiet"], check=True, capture_output=True, timeout=INSTALL_LIMIT)


def require(program: str, package: str) -> str:
    """Returns the path of `program`, installing Debian's `package` if need and root be; else raises Unavailable."""
    found = find(program)
    if found is not None:
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Unavailable(f"{program} is not installed: apt-get install {package}")
    words = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", package]
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        _update()
        subprocess.run(words, check=True, capture_output=True, timeout=INSTALL_LIMIT, env=variables)
    except subprocess.SubprocessError as error:
        raise Unavailable(f"Debian's package {package} cannot be installed: {error}") from error
    found = find(program)
    if found is None:
        raise Unavailable(f"Debian's package {package} has no {program}")
    return found


def own(folder: Path, user: str) -> str | None:
    """Gives `folder` to `user` if this is root, and returns the user to run a server as; None: as who we are."""
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, user, user)
    return user


def free_ports(count: int) -> list[int]:
    """Returns so many TCP ports of 127.0.0.1, no two alike, that were free a moment ago.

    They lie below the ports that the kernel gives to clients, so that no connection takes one before the server does,
    unless the machine leaves nothing below; then they are the kernel's choice.
    """
    first = int(CLIENT_PORTS.read_text(encoding="ascii").split()[0])
    below = range(LOWEST_PORT, first)
    with contextlib.ExitStack() as held:  # all at once: a port that is given back may be the next one that is free
        ports: list[int] = []
        while len(ports) < count:
            wanted = random.choice(below) if len(below) >= FEWEST_PORTS else 0
            try:
                listener = held.enter_context(socket.create_server(("127.0.0.1", wanted)))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            ports.append(listener.getsockname()[1])
        return ports


def free_port() -> int:
    """Returns a TCP port of 127.0.0.1 that was free a moment ago."""
    return free_ports(1)[0]


def version(*words: str) -> str:
    """Returns the first number with a dot that a program prints about itself."""
    # Mosquitto, which prints it with its help, ends with a status of its own choice.
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    for word in (done.stdout + done.stderr).replace("/", " ").replace("=", " ").split():
        number = word.removeprefix("v")
        if number[:1].isdigit() and "." in number:
            return number.strip(",")
    raise Unavailable(f"{words[0]} does not tell its version")
