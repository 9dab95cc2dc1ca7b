"""A private MariaDB with one user who has a password."""

import os
import subprocess
from pathlib import Path
from typing import Any

from program import Program

from services import debian

USER, PASSWORD, DATABASE = "tepal", "secret", "ecosystem"


def start(folder: Path) -> tuple[Program, dict[str, Any]]:
    """Starts the server in `folder`; returns it and how to reach it. Raises Unavailable."""
    server = debian.require("mariadbd", "mariadb-server")
    setup = debian.require("mariadb-install-db", "mariadb-server")
    data, first = folder / "data", folder / "first.sql"
    first.write_text(
        f"CREATE DATABASE {DATABASE};\n"
        f"CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
        f"GRANT ALL ON *.* TO '{USER}'@'127.0.0.1';\n",
        encoding="utf-8",
    )
    user = debian.own(folder, "mysql")
    data.mkdir()
    if user:
        debian.own(data, user)
    identity: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
    words = [setup, "--no-defaults", f"--datadir={data}", "--skip-test-db", "--auth-root-authentication-method=normal"]
    subprocess.run(words, check=True, capture_output=True, timeout=120, cwd=folder, **identity)
    port = debian.free_port()
    settings = {
        "datadir": data,
        "socket": folder / "socket",
        "pid-file": folder / "pid",
        "bind-address": "127.0.0.1",
        "port": port,
        "init-file": first,
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    words = [server, "--no-defaults", "--skip-name-resolve", "--innodb-flush-method=fsync", *options]
    program = Program(tuple(words), folder / "log", dict(os.environ), user)
    program.wait_printed("ready for connections")
    program.wait_listening(("127.0.0.1", port))
    return program, {
        "version": debian.version(server, "--version"),
        "host": "127.0.0.1",
        "port": port,
        "user": USER,
        "password": PASSWORD,
        "database": DATABASE,
    }
