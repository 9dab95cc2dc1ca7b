"""A private Redis: in plain text, over TLS and over a Unix socket."""

import os
from pathlib import Path
from typing import Any

from program import Program
from stage import Certificates

from services import debian


def start(folder: Path) -> tuple[Program, dict[str, Any]]:
    """Starts the server in `folder`; returns it and how to reach it. Raises Unavailable."""
    server = debian.require("redis-server", "redis-server")
    certificates = Certificates(folder)
    port, tls_port = debian.free_ports(2)
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "tls-port": tls_port,
        "tls-cert-file": certificates.certificate,
        "tls-key-file": certificates.key,
        "tls-ca-cert-file": certificates.authority,
        "tls-auth-clients": "no",
        "unixsocket": folder / "socket",
        "dir": folder,
        "save": "",
        "appendonly": "no",
    }
    options = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    program = Program((server, *options), folder / "log", dict(os.environ))
    program.wait_listening(("127.0.0.1", port))
    return program, {
        "version": debian.version(server, "--version").removeprefix("v="),
        "host": "127.0.0.1",
        "port": port,
        "tls_port": tls_port,
        "socket": str(folder / "socket"),
        "authority": str(certificates.authority),
    }
