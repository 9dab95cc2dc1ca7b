"""Sub-interpreters: tepal either works there or refuses to be imported with a clear error."""

import sys

import interpreter
import pytest

# Runs in the sub-interpreter; PATH and NAME are put in front of it.
INSIDE = """
import sys
sys.path[:] = PATH
import asyncio
import library

try:
    loaded = library.load(NAME)
except ImportError as error:
    if "interpreter" not in str(error):
        raise SystemError(f"an unclear refusal: {error}")
else:
    async def main():
        await asyncio.sleep(0.001)
        return await asyncio.gather(*(asyncio.sleep(0, n) for n in range(3)))

    if loaded.run(main(), loop_factory=loaded.new_event_loop) != [0, 1, 2]:
        raise SystemError("a wrong answer")
"""

OUTSIDE = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

inside = f"PATH, NAME = {sys.path!r}, {library.name!r}" + INSIDE
identity = interpreters.create(CONFIGURATION)
try:
    problem = interpreters.run_string(identity, inside)
    if problem is not None:
        print(problem.formatted)
finally:
    interpreters.destroy(identity)

async def main():
    return await asyncio.sleep(0.001, "still sound")

print(library.run(main(), loop_factory=library.new_event_loop))
"""

# From 3.13 on an interpreter is asked for by the name of its configuration.
CONFIGURATIONS = {
    "isolated": "'isolated'" if sys.version_info >= (3, 13) else "isolated=True",
    "legacy": "'legacy'" if sys.version_info >= (3, 13) else "isolated=False",
}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_importing_in_a_subinterpreter(library, kind):
    script = f"INSIDE = {INSIDE!r}\n"
    script += OUTSIDE.replace("CONFIGURATION", CONFIGURATIONS[kind])
    finished = interpreter.run(library.name, script)
    assert finished.stdout == "still sound\n", finished.stderr
    if sys.version_info[:2] != (3, 12):  # 3.12 itself frees asyncio's state twice at exit
        assert finished.returncode == 0, finished.stderr
