"""fastserve/features/stack.py, advice.py: which code a thread runs, and what helps it."""

from __future__ import annotations

import contextlib
import functools
import gc
import linecache
import re
import sqlite3
import sys
import threading
from typing import Any

import pytest

from fastserve.features.advice import advice, is_debugger
from fastserve.features.stack import Moment, Place, Stack


def place(package: str, path: str = "/usr/app/app.py", qualified: str = "f") -> Place:
    return Place(path, 1, "f", qualified, package, "f()")


def here() -> Stack:
    return Moment(sys._getframe(1)).stack()


def test_the_innermost_frame_comes_first_with_its_line() -> None:
    def inner() -> Stack:
        return here()  # this one

    stack = inner()
    assert re.fullmatch(r"\S*test_stack\.py:\d+ in inner", str(stack.places[0]))
    assert stack.places[0].text == "return here()  # this one"
    assert stack.places[1].function == "test_the_innermost_frame_comes_first_with_its_line"
    assert stack.places[1].text == "stack = inner()"


def test_outer_frames_can_be_left_out() -> None:
    count = len(here().places)
    assert len(Moment(sys._getframe(), count - 1).stack().places) == 1
    assert Moment(sys._getframe(), count + 5).stack() == Moment(None).stack() == Stack()


def test_libraries_are_not_the_users() -> None:
    assert place("app").is_users
    assert not place("app", "/x/site-packages/app.py").is_users
    assert not place("threading", threading.__file__).is_users
    assert not place("fastserve", Moment.__init__.__code__.co_filename).is_users
    assert not place("x", "<frozen importlib>").is_users


def test_without_code_of_the_users_the_innermost_library_is_told() -> None:
    frames = [place(name, f"/x/site-packages/{name}/a.py") for name in ("anyio", "requests", "starlette")]
    assert Stack(tuple(frames)).told == (frames[1],)
    assert Stack(tuple(frames[:1])).told == (frames[0],)
    assert Stack().told == ()


def test_a_scope_among_the_locals_names_the_request() -> None:
    def endpoint(scope: dict[str, Any]) -> Stack:
        return inside()

    def inside() -> Stack:
        return Moment(sys._getframe()).stack()

    assert endpoint({"type": "http", "method": "GET", "path": "/a"}).request == ("GET", "/a")
    assert endpoint({"type": "lifespan"}).request is None

    def application(environ: dict[str, Any]) -> Stack:
        return inside()

    assert application({"REQUEST_METHOD": "POST", "PATH_INFO": "/b"}).request == ("POST", "/b")


@pytest.mark.parametrize(
    ("expression", "package"),
    [
        ('db.execute("SELECT moment()")', "sqlite3"),
        ('pattern.sub(moment, "a")', "re"),
        ("functools.reduce(moment, (1, 2))", "_functools"),
        ("[*map(moment, [1])]", ""),
        ("table[0](1)", ""),
    ],
)
def test_what_is_called_that_has_no_frame_of_its_own(
    expression: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C code that calls back shows the stack as it is in the middle of the call."""
    taken: list[Stack] = []

    def moment(*values: object) -> str:
        taken.append(Moment(sys._getframe(1)).stack())
        return ""

    name = f"<{expression}>"
    source = f"def run(db, table):\n    pattern = re.compile('a')\n    return {expression}\n"
    monkeypatch.setitem(linecache.cache, name, (len(source), None, source.splitlines(True), name))
    names: dict[str, Any] = {"re": re, "functools": functools, "moment": moment}
    exec(compile(source, name, "exec"), names)
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.create_function("moment", 0, moment)
        names["run"](db, [moment])
    assert [stack.callee for stack in taken] == [package]


@pytest.mark.parametrize(
    ("called", "text"),
    [
        (["requests", "urllib3", "http", "ssl"], 'requests waits for its answer here: use "def", or await'),
        (["sqlite3"], "sqlite3 waits for its database here: use"),
        (["time"], 'Use "def", or await asyncio.sleep.'),
        (["subprocess", "select"], "It waits for another program: use"),
        (["_thread"], "It waits for another thread or process: use"),
        (["_io"], "Files wait for their disk: use"),
        (["unheard_of"], 'Use "def", or await it in a thread.'),
        ([], 'Use "def", or await it in a thread.'),
    ],
)
def test_advice_for_what_waits(called: list[str], text: str) -> None:
    inner = [place(package, f"/x/site-packages/{package}.py") for package in reversed(called[:-1])]
    stack = Stack((*inner, place("app")), callee=called[-1] if called else "")
    if inner:
        stack = Stack((place(called[-1], "/x/site-packages/z.py"), *inner, place("app")))
    assert stack.called == called
    assert advice(stack, 1.0, 0.01, 0.0, "asgi").startswith(text)


def test_advice_for_what_computes_or_keeps_the_lock() -> None:
    stack = Stack((place("app"),), callee="time")
    assert advice(stack, 1.0, 0.9, 0.001, "asgi").startswith("It computes: run it in another process")
    assert advice(stack, 1.0, 0.9, 0.9, "asgi").startswith("C code keeps the interpreter's lock (GIL) there")
    assert advice(stack, 1.0, 0.1, 0.9, "asgi", ["a.py:1 in f"]) == (
        "C code kept the interpreter's lock (GIL), there or in another thread: a.py:1 in f."
    )
    assert advice(Stack(), 1.0, 0.1, 0.0) == "It was over before it could be seen."


def test_advice_for_middleware_and_for_tasks() -> None:
    stack = Stack((place("app", qualified="AuthMiddleware.__call__"), place("app")), callee="time")
    assert advice(stack, 1.0, 0.0, 0.0, "asgi").startswith(
        "This is middleware: every request goes through it. Use"
    )
    assert advice(Stack((place("app"),)), 1.0, 0.0, 0.0) == "Await it in a thread."


def test_a_wsgi_application_is_told_of_threads() -> None:
    stack = Stack((place("app"),), callee="sqlite3")
    assert advice(stack, 1.0, 0.0, 0.0, "wsgi") == (
        "sqlite3 waits for its database here: serve the application in threads (--wsgi-threads)."
    )
    assert advice(Stack((place("app"),)), 1.0, 0.0, 0.0, "wsgi") == (
        "Serve the application in threads (--wsgi-threads)."
    )


def test_a_debugger_is_known() -> None:
    assert is_debugger(
        Stack((place("cmd", "/usr/lib/cmd.py"), place("pdb", "/usr/lib/pdb.py"), place("app")))
    )
    assert not is_debugger(Stack((place("app"),)))


def test_a_stack_is_read_while_the_program_looks_at_all_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's thread goes on meanwhile, and may hold what is not yet whole."""
    held: list[object] = []
    monkeypatch.setattr(linecache, "getline", lambda *_: held.append(gc.get_objects()) or "")
    places = Moment(sys._getframe()).stack().places
    assert len(places) > 10 and len(held) == len(places)
