"""A private MQTT broker: Mosquitto, in plain text and over TLS."""

import os
from pathlib import Path
from typing import Any

from program import Program
from stage import Certificates

from services import debian


def start(folder: Path) -> tuple[Program, dict[str, Any]]:
    """Starts the broker in `folder`; returns it and how to reach it. Raises Unavailable."""
    broker = debian.require("mosquitto", "mosquitto")
    certificates = Certificates(folder)
    port, tls_port = debian.free_ports(2)
    lines = [
        *(["user root"] if os.geteuid() == 0 else []),
        "allow_anonymous true",
        "persistence false",
        f"listener {port} 127.0.0.1",
        f"listener {tls_port} 127.0.0.1",
        f"certfile {certificates.certificate}",
        f"keyfile {certificates.key}",
    ]
    settings = folder / "mosquitto.conf"
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program = Program((broker, "-c", str(settings)), folder / "log", dict(os.environ))
    program.wait_listening(("127.0.0.1", port))
    return program, {
        "version": debian.version(broker, "-h"),
        "port": port,
        "tls_port": tls_port,
        "authority": str(certificates.authority),
    }
