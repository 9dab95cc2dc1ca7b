"""What a scenario is given: the loop under test, a folder, certificates, programs to start, the servers' addresses."""

import functools
import os
import ssl
import sys
from pathlib import Path
from typing import Any

from program import Program
from services import debian
from subject import Subject

HERE = Path(__file__).resolve().parent
APPLICATIONS = HERE / "applications"


class Certificates:
    """A certificate authority made on the spot, and a certificate of it for localhost and 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        import trustme

        authority = trustme.CA()
        issued = authority.issue_cert("localhost", "127.0.0.1")
        self.authority = folder / "authority.pem"
        self.certificate = folder / "certificate.pem"
        self.key = folder / "key.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(self.key))

    def server(self) -> ssl.SSLContext:
        """Returns a new context for a server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client(self) -> ssl.SSLContext:
        """Returns a new context for a client that trusts this authority alone."""
        return ssl.create_default_context(cafile=str(self.authority))


class Stage:
    """One run of one scenario."""

    def __init__(self, loop: Subject, folder: Path, services: dict[str, Any]) -> None:
        self.loop = loop
        self.folder = folder
        """Empty at first, and removed after the run."""
        self.services = services
        """By name: what the service's `start()` returned."""
        self._programs: list[Program] = []

    @functools.cached_property
    def certificates(self) -> Certificates:
        """Certificates for this run."""
        return Certificates(self.folder)

    def free_port(self) -> int:
        """Returns a TCP port of 127.0.0.1 that was free a moment ago; for two at once: `free_ports(2)`."""
        return debian.free_port()

    def free_ports(self, count: int) -> list[int]:
        """Returns so many TCP ports of 127.0.0.1, no two alike, that were free a moment ago."""
        return debian.free_ports(count)

    def python(self, *words: str, port: int | None = None, **environment: str) -> Program:
        """Starts this interpreter with `words`; it can import the modules in applications/."""
        return self.start(sys.executable, *words, port=port, **environment)

    def start(self, *words: str, port: int | None = None, **environment: str) -> Program:
        """Starts a program, which ends with the scenario, and waits until it listens on `port` of 127.0.0.1."""
        log = self.folder / f"program-{len(self._programs)}.log"
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (APPLICATIONS, HERE))), **environment}
        program = Program(words, log, variables)
        self._programs.append(program)
        if port is not None:
            program.wait_listening(("127.0.0.1", port))
        return program

    def end(self) -> None:
        """Ends every program that still runs, and prints what the programs printed."""
        for program in self._programs:
            program.kill()
            print(f"-- {' '.join(program.words)}: status {program.status}\n{program.text()}", flush=True)
