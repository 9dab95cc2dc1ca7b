"""Contexts of clients and servers over the tests' certificates."""

from __future__ import annotations

import ssl
from pathlib import Path

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def server_context(folder: Path, version: str = "1.3", certificate: str = "good", client: bool = False):
    """A server of one version of TLS; with ``client`` it asks for a certificate of the client's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{certificate}.pem")
    context.minimum_version = context.maximum_version = VERSIONS[version]
    context.set_alpn_protocols(["echo"])
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context


def client_context(folder: Path, version: str | None = None, certificate: str | None = None):
    """A client that knows the tests' CA."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder / "ca.pem")
    context.set_alpn_protocols(["echo"])
    if version is not None:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    if certificate is not None:
        context.load_cert_chain(folder / f"{certificate}.pem")
    return context
