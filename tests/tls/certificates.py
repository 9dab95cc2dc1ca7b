"""Certificates for the TLS tests, made by the ``openssl`` command: a good one, and one for each fault."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
LOCAL = "DNS:localhost,IP:127.0.0.1"

AUTHORITY = """
[ca]
default_ca = this
[this]
dir = .
database = index.txt
serial = serial.txt
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def openssl(folder: Path, *words: str) -> None:
    """Run the command in ``folder``. Raises CalledProcessError if it fails."""
    subprocess.run(("openssl", *words), cwd=folder, check=True, capture_output=True, timeout=30)


def make_authority(folder: Path, name: str) -> None:
    """A self-signed CA."""
    files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
    openssl(folder, "req", "-x509", *KEY, "-days", "30", "-subj", f"/CN=tests {name}", *files)


def make_leaf(folder: Path, name: str, authority: str, alternatives: str, dates: tuple[str, str] | None = None) -> None:
    """A certificate with its key in one file, signed by ``authority``; ``dates`` are YYYYMMDDHHMMSSZ."""
    files = ("-keyout", f"{name}.key", "-out", f"{name}.csr")
    openssl(folder, "req", "-new", *KEY, "-subj", f"/CN={name}", "-addext", f"subjectAltName={alternatives}", *files)
    (folder / "index.txt").write_text("")
    (folder / "serial.txt").write_text("%02X\n" % (16 + len(list(folder.iterdir()))))
    validity = ("-days", "30") if dates is None else ("-startdate", dates[0], "-enddate", dates[1])
    signed = ("-cert", f"{authority}.pem", "-keyfile", f"{authority}.key", "-in", f"{name}.csr", "-out", f"{name}.pem")
    openssl(folder, "ca", "-batch", "-notext", "-config", "authority.conf", *validity, *signed)
    with (folder / f"{name}.pem").open("a") as file:
        file.write((folder / f"{name}.key").read_text())


@functools.cache
def made() -> Path:
    """The folder with all certificates, made once per process and removed at its end."""
    if shutil.which("openssl") is None:
        raise RuntimeError("the TLS tests need the openssl command")
    folder = Path(_kept().name)
    (folder / "authority.conf").write_text(AUTHORITY)
    make_authority(folder, "ca")
    make_authority(folder, "stranger")
    make_leaf(folder, "good", "ca", LOCAL)
    make_leaf(folder, "elsewhere", "ca", "DNS:elsewhere.example")
    make_leaf(folder, "unknown", "stranger", LOCAL)
    make_leaf(folder, "expired", "ca", LOCAL, ("20200101000000Z", "20200201000000Z"))
    make_leaf(folder, "client", "ca", "DNS:client.example")
    return folder


@functools.cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="tepal-tls-")
