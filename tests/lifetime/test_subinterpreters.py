"""Sub-interpreters: tepal either works there or refuses to be imported with a clear error."""

import sys

import interpreter
import pytest

LOW_LEVEL = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

script = '''
import sys
sys.path[:] = {path!r}
import asyncio
try:
    import library
    loaded = library.load({name!r})
except ImportError as error:
    if not str(error):
        raise SystemError("an empty refusal")
else:
    async def main():
        await asyncio.sleep(0.001)
        return await asyncio.gather(*(asyncio.sleep(0, n) for n in range(3)))

    if loaded.run(main(), loop_factory=loaded.new_event_loop) != [0, 1, 2]:
        raise SystemError("a wrong answer")
'''.format(path=sys.path, name={name!r})

identity = interpreters.create({config})
try:
    found = interpreters.run_string(identity, script)
    if found is not None:
        print(found)
finally:
    interpreters.destroy(identity)

async def main():
    return await asyncio.sleep(0.001, "still sound")

print(library.run(main(), loop_factory=library.new_event_loop))
"""


@pytest.mark.parametrize("kind", ["isolated", "legacy"])
def test_importing_in_a_subinterpreter(library, kind):
    config = "" if kind == "isolated" else '"legacy"'
    if kind == "legacy" and sys.version_info < (3, 13):
        config = "isolated=False"
    if sys.version_info < (3, 12) and kind == "isolated":
        config = "isolated=True"
    script = LOW_LEVEL.replace("{config}", config).replace("{name!r}", repr(library.name), 1)
    script = script.replace("name={name!r}", f"name={library.name!r}")
    finished = interpreter.run(library.name, script)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "still sound\n", "")
