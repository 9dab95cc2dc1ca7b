"""A private nginx; unlike the other services each scenario starts its own, with its own configuration."""

import os
from pathlib import Path

from program import Program
from stage import Stage

from services import debian

CONFIGURATION = """
{user}
daemon off;
pid {folder}/pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 64m;
{servers}
}}
"""


def start(stage: Stage, servers: str, port: int) -> Program:
    """Starts nginx with the `server` blocks given, and waits until it listens on `port`. Raises Unavailable."""
    program = debian.require("nginx", "nginx-light")
    folder = Path(stage.folder)
    user = "user root;" if os.geteuid() == 0 else ""
    file = folder / f"nginx-{port}.conf"
    file.write_text(CONFIGURATION.format(user=user, folder=folder, servers=servers), encoding="utf-8")
    return stage.start(program, "-e", "stderr", "-p", str(folder), "-c", str(file), port=port)


def version() -> str:
    """Returns nginx's version. Raises Unavailable."""
    return debian.version(debian.require("nginx", "nginx-light"), "-v")
