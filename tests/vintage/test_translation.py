"""What the translation of a vintage program does to its text: nothing that anybody could see."""

import asyncio
import inspect
import traceback
import warnings

import pytest

from tepal import vintage


def namespace_of(source, filename="program.py"):
    namespace = {"__name__": "program"}
    exec(vintage.translate(source, filename), namespace)
    return namespace


def test_code_keeps_its_file_lines_and_columns():
    source = (
        "import asyncio\n"
        "\n"
        "async = 1\n"
        "def fails(await):\n"
        "    try: return (async, await.async(1), 1 / 0)\n"
        "    except KeyError: pass\n"
    )
    fails = namespace_of(source)["fails"]

    class Await:
        def __getattr__(self, name):
            assert name == "async"
            return lambda value: value

    with pytest.raises(ZeroDivisionError) as caught:
        fails(Await())
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (frame.filename, frame.lineno, frame.name) == ("program.py", 5, "fails")
    line = source.split("\n")[4]
    assert line[frame.colno : frame.end_colno] == "1 / 0"
    assert fails.__code__.co_varnames == ("await",)


@pytest.mark.parametrize(
    "line",
    [
        "x = async",
        "x.async = 1",
        "f(async=1)",
        "f(*async, **await)",
        "def async(): pass",
        "def f(async, *, await=None): pass",
        "class async: pass",
        "import async",
        "import a.async.await as await",
        "from async import await",
        "from . import async as await",
        "@async\ndef f(): pass",
        "@a.async(1)\ndef f(): pass",
        "for async in await: pass",
        "with await as async: pass",
        "try: pass\nexcept E as async: pass",
        "lambda async: await",
        "[async for async in await]",
        "del async, await",
        "def f():\n    global async, await",
        "async: int = 5",
        "async, await = await, async",
        "a = async if await else async",
        "await()\nasync()",
        "def f():\n    return await",
        "if async:\n    await = 1\nasync def f():\n    await g()\nawait = 2",
        "async def f(): await g()\nasync = await",
        "async def f():\n    def g():\n        pass\n    async for i in j: await i\nawait = async",
        "class C:\n    async def f(self):\n        if x:\n            await y\n    await = 1\n    async = await",
        "s = 'async await' + async # async",
        "a = (\n  async,\n\n# comment\n  await)",
        "a = b \\\n  .async",
        "if a:\n\tawait = 1\n\tif b:\n\t\tasync = 2",
        "print(async, 'ä', await)  # ä: a character of two bytes",
    ],
)
def test_names_that_are_keywords_today(line):
    code = vintage.translate(line + "\n", "program.py")
    names = {name for each in all_codes(code) for name in (*each.co_names, *each.co_varnames, *each.co_freevars)}
    assert not [name for name in names if name.startswith("z0")]


def all_codes(code):
    yield code
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from all_codes(constant)


def test_a_text_that_uses_the_stand_ins_itself():
    namespace = namespace_of("z0000, async, z0001, await = range(4)\nhere = [z0000, async, z0001, await]\n")
    assert namespace["here"] == [0, 1, 2, 3]
    assert (namespace["async"], namespace["z0001"]) == (1, 2)


def test_names_in_formatted_strings():
    source = (
        "async, await, d = 1, 2, {'async': 3}\n"
        "def f(async): return async\n"
        'r = [f\'{async} async {await!r} {f(async=async)} {d["async"]}\', rf\'{async}\\async\', F"""\n'
        "async{{async}} {await\n"
        " + async:>{async + 2}} {async=}\"\"\" 'async', 'async {async}', f'\\\\async {(lambda await: await)(await)}']\n"
    )
    assert namespace_of(source)["r"] == [
        "1 async 2 1 3",
        "1\\async",
        "\nasync{async}   3 async=1async",
        "async {async}",
        "\\async 2",
    ]


def test_async_def_has_the_keywords():
    namespace = namespace_of(
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return [x async for x in g()]\n"
        "async def g():\n    yield 1\n"
    )
    assert asyncio.run(namespace["f"]()) == [1]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_encodings_and_line_ends(newline, encoding):
    cookie = "" if encoding == "utf-8-sig" else f"# -*- coding: {encoding} -*-"
    text = newline.join([cookie, "async = 'ä'", "x = async + 'ö'", ""])
    namespace = {}
    exec(vintage.translate(text.encode(encoding), "program.py"), namespace)
    assert namespace["x"] == "äö"


def test_a_docstring_and_future_imports_stay_first():
    source = (
        '"""The docstring."""\nfrom __future__ import annotations, print_function\nimport m\n'
        "def f(x: m.nowhere): pass\ntry: pass\nexcept m.E: pass\n"
    )
    code = vintage.translate(source, "program.py")
    namespace = {"__name__": "p", "__import__": None}
    with pytest.raises(ModuleNotFoundError, match="'m'"):
        exec(code, namespace)
    assert namespace["__doc__"] == "The docstring."


def test_only_generators_that_wait_are_flagged():
    namespace = namespace_of(
        "def data():\n    yield 1\n\ndef waits():\n    yield from ()\n\nexpression = lambda: (x for x in y)\n"
        "def outer():\n    def inner():\n        yield from ()\n    return inner\n"
    )
    flagged = inspect.CO_ITERABLE_COROUTINE
    assert not namespace["data"].__code__.co_flags & flagged
    assert namespace["waits"].__code__.co_flags & flagged
    assert namespace["outer"]().__code__.co_flags & flagged
    assert list(namespace["waits"]()) == []
    assert not inspect.isawaitable(namespace["data"]())


def test_stop_iteration_ends_a_generator_unless_it_is_caught_there():
    namespace = namespace_of(
        "def plain():\n    yield 1\n    if True:\n        raise StopIteration\n    yield 2\n"
        "def value():\n    for _ in (1,):\n        yield 1\n        raise StopIteration('value')\n"
        "def caught():\n    try:\n        raise StopIteration(3)\n"
        "    except StopIteration as stop:\n        yield stop.value\n"
        "def function():\n    raise StopIteration(4)\n"
    )
    assert list(namespace["plain"]()) == [1]
    generator = namespace["value"]()
    assert next(generator) == 1
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "value"
    assert list(namespace["caught"]()) == [3]
    with pytest.raises(StopIteration):
        namespace["function"]()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("import asyncio", "asyncio"),
        ("import asyncio.tasks", "asyncio"),
        ("import asyncio as a", "a"),
        ("import asyncio.subprocess as s, trollius", "s"),
        ("from asyncio import Task", "Task"),
        ("from asyncio.tasks import Task, async", "Task"),
        ("from asyncio import *", "Task"),
        ("from asyncio import subprocess", "subprocess"),
        ("import trollius.tasks", "trollius"),
        ("from trollius.tasks import Task", "Task"),
        ("from trollius.coroutines import From, Return, coroutine", "coroutine"),
        ("from trollius import *", "From"),
    ],
)
def test_imports_give_the_vintage_modules(statement, expected):
    found = namespace_of(statement + "\n")[expected]
    where = getattr(found, "__module__", None) or found.__name__
    assert where.startswith("tepal.vintage")


def test_importing_changes_no_module_of_others():
    assert not hasattr(asyncio, "coroutine")
    assert not hasattr(asyncio, "async")
    from tepal.vintage import asyncio as then

    assert then.coroutine is not None
    assert not hasattr(asyncio, "coroutine")
    assert type(asyncio.new_event_loop).__name__ == "function"


def test_warnings_of_the_compiler_are_those_of_then():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        namespace = namespace_of("x = '\\d'\ny = 5 is 5\n")
    assert namespace["x"] == "\\d"


def test_a_long_expression():
    namespace = namespace_of("async = 1\nx = " + " + ".join(["async"] * 900) + "\n")
    assert namespace["x"] == 900


# What is refused, and what is wrong.

REFUSED = {
    "print 'x'": "print statement",
    "print x, y": "print statement",
    "import sys\nprint >>sys.stderr, 'x'": "print statement",
    "exec 'x'": "exec statement",
    "try: pass\nexcept ValueError, error: pass": "except ERROR, name",
    "raise ValueError, 'x'": "raise ERROR, value",
    "x = 0777": "octal",
    "x = `y`": "backquotes",
    "x <> y": "<>",
    "x = ur'a'": "ur''",
    "x = 10L": "long integer",
    "def f():\n    return [(yield x) for x in y]": "inside a comprehension",
    "def f(a, (b, c)): pass": "tuple as a parameter",
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_of_a_python_that_is_gone_is_refused(source):
    padded = "async = 1\n\n" + source + "\n"
    with pytest.raises(vintage.RefusedSyntaxError) as caught:
        vintage.translate(padded, "program.py")
    error = caught.value
    line = 3 + source.count("\n")
    assert REFUSED[source] in error.reason
    assert (error.filename, error.lineno, error.msg) == ("program.py", line, error.reason)
    assert error.text.rstrip("\n") == source.split("\n")[-1]
    assert isinstance(error, vintage.RefusedError)
    shown = "".join(traceback.format_exception_only(error))
    assert f'File "program.py", line {line}' in shown
    assert error.reason in shown


@pytest.mark.parametrize(
    ("source", "line", "text"),
    [
        ("async = (1,\nx y", 1, "async = (1,"),
        ("x = 1\nasync await = 2\n", 2, "async await = 2"),
        ("def f(:\n    pass\n", 1, "def f(:"),
        ("x = 1\n  async = 2\n", 2, "  async = 2"),
        ("async = 1\nreturn 5\n", 2, None),
        ("async = 'abc\n", 1, "async = 'abc"),
        ("async def f():\n    async = 1\n", 2, "    async = 1"),
        ("async def f():\n    yield from g()\n", 2, None),
    ],
)
def test_errors_of_syntax_show_the_line_of_the_file(source, line, text):
    with pytest.raises(SyntaxError) as caught:
        vintage.translate(source, "program.py")
    error = caught.value
    assert not isinstance(error, vintage.RefusedError)
    assert (error.filename, error.lineno) == ("program.py", line)
    assert "z0" not in str(error)
    if text is not None:
        assert error.text.rstrip("\n") == text


@pytest.mark.parametrize("source", [b"x = '\xff'\n", b"# coding: no-such-encoding\n", "x = '\0'\n", b"x = \0\n"])
def test_what_is_no_text(source):
    with pytest.raises((SyntaxError, ValueError)):
        vintage.translate(source, "program.py")
