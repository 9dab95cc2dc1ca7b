"""A private PostgreSQL with TLS; one superuser with a password (SCRAM), as servers are set up in earnest."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from program import Program
from stage import Certificates

from services import debian

USER, PASSWORD, DATABASE = "tepal", "tepal's own", "postgres"


def start(folder: Path) -> tuple[Program, dict[str, Any]]:
    """Starts the server in `folder`; returns it and how to reach it. Raises Unavailable."""
    server = debian.require("postgres", "postgresql")
    setup = debian.require("initdb", "postgresql")
    certificates = Certificates(folder)
    data, password = folder / "data", folder / "password"
    password.write_text(PASSWORD, encoding="utf-8")
    user = debian.own(folder, "postgres")
    if user:
        for file in folder.iterdir():
            shutil.chown(file, user, user)
    certificates.key.chmod(0o600)
    words = [setup, "--pgdata", str(data), "--username", USER, "--pwfile", str(password), "--auth", "scram-sha-256"]
    words += ["--encoding", "UTF8", "--locale", "C", "--no-sync"]
    identity: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
    subprocess.run(words, check=True, capture_output=True, timeout=120, cwd=folder, **identity)
    port = debian.free_port()
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
        "fsync": "off",
        "ssl": "on",
        "ssl_cert_file": certificates.certificate,
        "ssl_key_file": certificates.key,
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    program = Program((server, "-D", str(data), *options), folder / "log", dict(os.environ), user)
    program.wait_printed("ready to accept connections")
    return program, {
        "version": debian.version(server, "--version"),
        "host": "127.0.0.1",
        "port": port,
        "folder": str(folder),
        "user": USER,
        "password": PASSWORD,
        "database": DATABASE,
        "authority": str(certificates.authority),
    }
