"""A private NATS server, with JetStream."""

import os
from pathlib import Path
from typing import Any

from program import Program

from services import debian


def start(folder: Path) -> tuple[Program, dict[str, Any]]:
    """Starts the server in `folder`; returns it and how to reach it. Raises Unavailable."""
    server = debian.require("nats-server", "nats-server")
    port = debian.free_port()
    words = (server, "--addr", "127.0.0.1", "--port", str(port), "--jetstream", "--store_dir", str(folder))
    program = Program(words, folder / "log", dict(os.environ))
    program.wait_listening(("127.0.0.1", port))
    return program, {"version": debian.version(server, "--version"), "port": port}
