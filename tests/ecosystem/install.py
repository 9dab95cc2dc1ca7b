"""Installs into the running interpreter's environment each library of libraries.toml that can be installed on it.

    python tests/ecosystem/install.py --report FILE

What does not install is named with pip's last line, and is written with it to FILE (JSON), where run.py finds the
reason for skipping. Exits with 1 only if nothing could be installed at all.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

LIBRARIES = Path(__file__).resolve().parent / "libraries.toml"
# A source that needs longer than this to build on two cores is not worth waiting for.
SECONDS_PER_LIBRARY = 420


def install(requirements: list[str], wheels_only: bool) -> str | None:
    """Installs requirements (PEP 508) together; returns None, or the reason why they are not there."""
    flags = ["--only-binary=:all:"] if wheels_only else ["--prefer-binary"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *flags, *requirements]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_PER_LIBRARY, check=False)
    except subprocess.TimeoutExpired:
        return f"its build did not end within {SECONDS_PER_LIBRARY} s"
    if done.returncode == 0:
        return None
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
    return errors[-1].removeprefix("ERROR: ") if errors else f"pip ended with status {done.returncode}"


def unpack(name: str, folder: Path) -> str | None:
    """Unpacks the source of an installed library into `folder`/`name`; returns None, or why it is not there."""
    with tempfile.TemporaryDirectory() as download:
        wanted = f"{name}=={metadata.version(name)}"
        flags = ["--quiet", "--no-deps", "--no-binary", name, "--dest", download]
        command = [sys.executable, "-m", "pip", "download", *flags, wanted]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_PER_LIBRARY, check=False)
        archives = list(Path(download).glob("*.tar.gz"))
        if done.returncode or not archives:
            return f"its source cannot be had: pip ended with status {done.returncode}"
        with tarfile.open(archives[0]) as archive:
            archive.extractall(download, filter="data")
        (unpacked,) = (path for path in Path(download).iterdir() if path.is_dir())
        shutil.rmtree(folder / name, ignore_errors=True)
        # The installed package is the one to test; its uncompiled twin must not be imported instead.
        shutil.copytree(unpacked, folder / name, ignore=shutil.ignore_patterns(name))
    return None


def main() -> int:
    """Installs what the file names; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--report", type=Path, required=True, metavar="FILE")
    options = parser.parse_args()
    wanted = tomllib.loads(LIBRARIES.read_text(encoding="utf-8"))
    missing: dict[str, str] = {}
    for name, requirements in wanted["libraries"].items():
        reason = install(requirements, name in wanted["wheels_only"])
        if reason is None and name in wanted["sources"]:
            reason = unpack(name, Path(sys.prefix).parent / "sources")
        if reason is not None:
            missing[name] = reason
            print(f"NOT INSTALLED on Python {sys.version.split()[0]}: {name}: {reason}", file=sys.stderr, flush=True)
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(json.dumps(missing, indent=1) + "\n", encoding="utf-8")
    return 1 if len(missing) == len(wanted["libraries"]) else 0


if __name__ == "__main__":
    sys.exit(main())
