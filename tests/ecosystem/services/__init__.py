"""Real servers, started privately: on a free port of 127.0.0.1, with their data in a temporary folder."""

import importlib
import subprocess
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from program import Program

from services.debian import Unavailable

NAMES = ("postgresql", "redis", "mariadb", "nats", "mosquitto")


class Services:
    """Starts each service when it is first asked for; `close()` ends them all."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="eco-services-", ignore_cleanup_errors=True)
        # A server that runs as another user must be able to walk to its own folder.
        Path(self._folder.name).chmod(0o755)
        self._programs: list[Program] = []
        self._started: dict[str, dict[str, Any] | Unavailable] = {}

    def start(self, name: str) -> dict[str, Any]:
        """Returns how to reach the service `name`; Unavailable if it cannot be had here."""
        if name not in self._started:
            self._started[name] = self._try_start(name)
        found = self._started[name]
        if isinstance(found, Unavailable):
            raise found
        return found

    def _try_start(self, name: str) -> dict[str, Any] | Unavailable:
        module: ModuleType = importlib.import_module(f"services.{name}")
        folder = Path(self._folder.name) / name
        folder.mkdir()
        try:
            program, description = module.start(folder)
        except Unavailable as unavailable:
            return unavailable
        except (OSError, AssertionError, subprocess.SubprocessError) as error:
            return Unavailable(f"{name} does not start here: {error}")
        self._programs.append(program)
        return dict(description)

    def versions(self) -> dict[str, str]:
        """Returns the version of each service that has been started."""
        return {name: found["version"] for name, found in self._started.items() if isinstance(found, dict)}

    def processes(self) -> list[int]:
        """Returns the ids of the services' processes."""
        return [program.pid for program in self._programs]

    def close(self) -> None:
        """Ends every service and removes its data."""
        for program in self._programs:
            program.kill()
        self._folder.cleanup()
