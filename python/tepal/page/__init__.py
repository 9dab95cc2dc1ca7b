"""The picture of a recorded run: one HTML page that needs no network and no other file.

``write(trace, file)`` takes the dict that the recorder makes (docs/inside/trace.md) and writes the page. Its parts lie
beside this file: ``page.html``, ``page.css`` and the scripts that ``SCRIPTS`` names, plain JavaScript, which are put
together here without a build step. How to read the picture: docs/picture.md.

Nothing that the recorded program named can act in the page: the trace goes in as gzip in base64, whose alphabet has no
character that means something to HTML; the scripts put names on the screen as text and on a canvas, never as markup;
and a content security policy lets no script run but this one, by its hash, and no request leave the page.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import importlib.resources
import json
import os
import re
from collections.abc import Mapping
from typing import Any

from tepal.page.packing import pack

__all__ = ["SCRIPTS", "page", "write"]

SCRIPTS = (
    "format",
    "trace",
    "scale",
    "view",
    "lanes",
    "palette",
    "ink",
    "painter",
    "arrows",
    "ruler",
    "overview",
    "search",
    "details",
    "findings",
    "sums",
    "pointer",
    "keyboard",
    "picture",
)
"""The scripts in the order in which they are put together: what a class uses stands before it."""


def page(trace: Mapping[str, Any]) -> str:
    """Return the page of ``trace`` as text.

    Raises ``ValueError`` if ``trace`` is not of the format that ``tepal.page.packing`` knows.
    """
    style = _part("page.css")
    script = '"use strict";\n' + "".join(_part(f"{name}.js") for name in SCRIPTS)
    packed = json.dumps(pack(trace), ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    parts = {
        # A file name that is no UTF-8 has surrogates, which cannot be written.
        "title": html.escape(str(trace["script"]).encode("utf-8", "replace").decode("utf-8")),
        "policy": f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'",
        "style": style,
        "script": script,
        "trace": base64.b64encode(gzip.compress(packed, 6, mtime=0)).decode("ascii"),
    }
    # One pass, so that what is put in is not looked at again.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _part("page.html"))


def write(trace: Mapping[str, Any], file: str | os.PathLike[str]) -> None:
    """Write the page of ``trace`` to ``file``, which is replaced if it is there.

    Raises ``ValueError`` as ``page`` does, and ``OSError`` if the file cannot be written.
    """
    text = page(trace)
    with open(file, "w", encoding="utf-8", newline="\n") as opened:
        opened.write(text)


def _part(name: str) -> str:
    return importlib.resources.files("tepal.page").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return how a content security policy names an inline script or style."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
