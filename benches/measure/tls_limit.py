"""The limit above TLS: an echo server in Rust, in the process of an interpreter that lends it its OpenSSL.

Started as ``python -m measure.tls_limit CORE [frugal]``. Its first line of standard output is JSON: the port of each
server. Then it serves until it is killed, and no Python runs.
"""

import _ssl
import ctypes
import os
import sys
import tempfile
from pathlib import Path

from servers.tls import make_certificate

from measure.process import BENCHES

LIBRARY = BENCHES.parent / "build" / "target" / "load" / "release" / "libbench_load.so"


def in_memory(file: Path) -> bytes:
    """A name under which this process finds the content of ``file`` when that is gone: it ends by being killed."""
    descriptor = os.memfd_create(file.name)
    os.write(descriptor, file.read_bytes())
    return f"/proc/self/fd/{descriptor}".encode()


def main(core: int, *, frugal: bool) -> None:
    """Serve, pinned to ``core``; with ``frugal`` idle connections give their buffers back.

    Raises SystemExit if this interpreter's OpenSSL cannot be used.
    """
    serve = ctypes.CDLL(str(LIBRARY)).serve_tls_limit
    serve.argtypes = [ctypes.c_size_t, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_bool]
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = (in_memory(file) for file in make_certificate(Path(folder)))
    raise SystemExit(serve(core, _ssl.__file__.encode(), certificate, key, frugal))


if __name__ == "__main__":
    main(int(sys.argv[1]), frugal=sys.argv[2:] == ["frugal"])
