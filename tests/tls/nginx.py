"""nginx at the other end: as a server of every cell, and as a client, which a proxy is of the servers behind it."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import ModuleType


def _debian() -> ModuleType:
    """How the ecosystem's tests find and install programs: one module of theirs, whose folder has names of ours."""
    file = Path(__file__).parents[1] / "ecosystem" / "services" / "debian.py"
    found = importlib.util.spec_from_file_location("debian", file)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


debian = _debian()

SIZE = 300_000
CONFIGURATION = """
{user}
daemon off;
pid {folder}/pid;
error_log stderr crit;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    root {folder};
    ssl_session_cache off;
{servers}
}}
"""
SERVER = """
server {{
    listen 127.0.0.1:{port} ssl;
    ssl_protocols TLSv{version};
    ssl_certificate {certificates}/{certificate}.pem;
    ssl_certificate_key {certificates}/{certificate}.key;
    ssl_client_certificate {certificates}/ca.pem;
    ssl_verify_client {verify};
}}
"""
PROXY = """
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass https://127.0.0.1:{backend};
        proxy_ssl_protocols TLSv{version};
        proxy_ssl_trusted_certificate {certificates}/ca.pem;
        proxy_ssl_verify on;
        proxy_ssl_name localhost;
        proxy_ssl_server_name on;
        proxy_ssl_session_reuse off;
        {certificate}
    }}
}}
"""
CERTIFICATE = "proxy_ssl_certificate {0}/client.pem; proxy_ssl_certificate_key {0}/client.key;"


def server(certificates: Path, port: int, version: str, certificate: str, client: bool) -> str:
    """A block that serves ``file``, of `SIZE` bytes; with ``client`` it asks for a certificate of the client's."""
    verify = "on" if client else "off"
    words = {"port": port, "version": version, "certificate": certificate, "verify": verify}
    return SERVER.format(certificates=certificates, **words)


def proxy(certificates: Path, port: int, backend: int, version: str, certificate: bool) -> str:
    """A block that passes on to the TLS server at the port ``backend``, showing a certificate if it should have one."""
    own = CERTIFICATE.format(certificates) if certificate else ""
    words = {"port": port, "backend": backend, "version": version, "certificate": own}
    return PROXY.format(certificates=certificates, **words)


class Nginx:
    """A running nginx with these ``server`` blocks. Raises ``debian.Unavailable``."""

    def __init__(self, servers: list[str], ports: list[int]) -> None:
        program = debian.require("nginx", "nginx-light")
        self.kept = tempfile.TemporaryDirectory(prefix="tepal-nginx-")
        folder = Path(self.kept.name)
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "file").write_bytes(b"tepal!" * (SIZE // 6))
        text = CONFIGURATION.format(user=user, folder=folder, servers="".join(servers))
        (folder / "nginx.conf").write_text(text)
        command = [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self.errors = (folder / "errors").open("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        for port in ports:
            self.wait_for(port)

    def wait_for(self, port: int) -> None:
        limit = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > limit:
                    self.errors.seek(0)
                    raise RuntimeError(f"nginx does not listen on {port}: {self.errors.read()}") from None
                time.sleep(0.05)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.errors.close()
        self.kept.cleanup()
