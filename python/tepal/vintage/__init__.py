"""Programs of 2013 to 2018 on a modern Python: coroutines that are generators, ``asyncio.async()``, Trollius.

``python -m tepal run --vintage SCRIPT`` runs such a program as it is. Without translation there are the modules
``tepal.vintage.asyncio``, asyncio as it was from Python 3.4 to 3.6, and ``tepal.vintage.trollius``.

``translate(source, filename)`` compiles a text as those Pythons understood it, and ``translate_imports(directory)``
has the modules below a directory imported like that. What cannot run any more raises a ``RefusedError``, with
``filename``, ``lineno`` and ``reason``.
"""

from tepal.vintage.importing import Loader, translate_imports
from tepal.vintage.refusal import RefusedAttributeError, RefusedError, RefusedImportError, RefusedSyntaxError
from tepal.vintage.translation import translate

__all__ = [
    "Loader",
    "RefusedAttributeError",
    "RefusedError",
    "RefusedImportError",
    "RefusedSyntaxError",
    "translate",
    "translate_imports",
]
