"""What if an application raises, or stops halfway? A 500 or a cut connection, and a line in the log."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import weakref
from typing import Any

import pytest

from .apps import Receive, Scope, Send, answer, head, part, read
from .conftest import Serve
from .serving import Gate, Serving, a_log_filter_that_raises, get, request

CASES = pytest.mark.parametrize
ERRORS = [
    ValueError, KeyError, OSError, RecursionError, MemoryError, StopIteration, StopAsyncIteration,
    GeneratorExit, SystemExit, KeyboardInterrupt, BaseException, TimeoutError, NotImplementedError, Warning,
]  # fmt: skip
Kind = type[BaseException]


def assert_served(serving: Serving) -> None:
    """The server is as well as before."""
    assert serving.ask(get("/well")).body == b"well"


def well_or(failing: Any) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/well":
            await answer(send, b"well")
        else:
            await failing(scope, receive, send)

    return app


async def at_once(receive: Receive, send: Send) -> None:
    pass


async def behind_a_wait(receive: Receive, send: Send) -> None:
    await asyncio.sleep(0)


async def behind_receive(receive: Receive, send: Send) -> None:
    await read(receive)


async def behind_the_head(receive: Receive, send: Send) -> None:
    await send(head(200, [(b"x", b"y"), (b"content-length", b"5")]))


async def behind_a_hint(receive: Receive, send: Send) -> None:
    await send({"type": "http.response.early_hint", "links": []})


@CASES("kind", ERRORS)
@CASES("place", [at_once, behind_a_wait, behind_receive, behind_the_head])
def test_before_the_answer(serve: Serve, place: Any, kind: Kind) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await place(receive, send)
        raise kind("told")

    serving = serve(well_or(app))
    with serving.connect() as client:
        response = client.ask(get("/route?query"))
        assert (response.status, response.body) == (500, b"Internal Server Error")
        assert response.header("x") == []
        client.expect_eof()
    (text,) = serving.errors()
    assert text.startswith("Exception in ASGI application (GET /route)\nTraceback (most recent call last):\n")
    last = text.rpartition("\n")[2]
    if kind is StopIteration:  # which no coroutine can raise (PEP 479)
        assert last == "RuntimeError: coroutine raised StopIteration"
    else:
        assert last.startswith(kind.__name__ + ": ") and "told" in last
    assert "test_failures.py" in text
    assert_served(serving)


@CASES("kind", ERRORS)
@CASES("waits", [0, 1])
@CASES("headers", [[], [(b"content-length", b"10")]], ids=["chunked", "length"])
def test_within_the_answer(serve: Serve, kind: Kind, waits: int, headers: Any) -> None:
    """The client sees that the answer is not whole: the connection ends before its framing says so."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head(200, headers))
        await send(part(b"begun", more=True))
        for _ in range(waits):
            await asyncio.sleep(0)
        raise kind("told")

    serving = serve(well_or(app))
    with serving.connect() as client:
        client.send(get("/route") * 2)
        data = client.read_to_end()
    assert data.count(b"HTTP/1.1") == 1
    assert data.endswith(b"begun" if headers else b"begun\r\n")
    assert len(serving.errors()) == 1
    assert_served(serving)


@CASES("kind", ERRORS)
@CASES("waits", [0, 1])
def test_behind_the_answer(serve: Serve, kind: Kind, waits: int) -> None:
    """The answer is whole and the connection serves on; the error is told."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"whole")
        for _ in range(waits):
            await asyncio.sleep(0)
        raise kind("told")

    serving = serve(well_or(app))
    with serving.connect() as client:
        assert [client.ask(get("/route")).body for _ in range(2)] == [b"whole"] * 2
        assert client.ask(get("/well")).body == b"well"
    serving.await_idle()
    assert len(serving.errors()) == 2


@CASES("kind", [RuntimeError, StopIteration, SystemExit])
def test_when_it_is_called(serve: Serve, kind: Kind) -> None:
    def app(scope: Scope, receive: Receive, send: Send) -> Any:
        if scope["path"] == "/well":
            return answer(send, b"well")
        raise kind("told")

    serving = serve(app)
    assert serving.ask().status == 500
    assert len(serving.errors()) == 1
    assert_served(serving)


def test_a_recursion_without_end(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await app_again(scope)

    async def app_again(scope: Scope) -> None:
        await app_again(scope)

    serving = serve(well_or(app))
    assert serving.ask().status == 500
    (text,) = serving.errors()
    assert text.rpartition("\n")[2].startswith("RecursionError")
    assert_served(serving)


def test_messages_at_the_limit_of_recursion(serve: Serve) -> None:
    """Whatever step of the server's fails there for want of a frame, the answer stays one answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        sent: list[str] = []

        def dive() -> None:
            try:
                dive()
            finally:
                with contextlib.suppress(RecursionError):
                    receive().send(None) if len(sent) % 2 else receive().close()  # type: ignore[attr-defined]
                with contextlib.suppress(RecursionError, RuntimeError, StopIteration):
                    send(head(201, [(b"x", b"y")]) if not sent else part(b"x", more=True))
                    sent.append("a message")

        with contextlib.suppress(RecursionError, StopIteration):
            dive()
        await send(part(b"end"))

    serving = serve(well_or(app))
    for _ in range(3):
        response = serving.ask(request("POST", "/", body=b"abc"))
        assert (response.status, response.header("x")) == (201, [b"y"])
        assert response.body.strip(b"x") == b"end"
    assert_served(serving)


@CASES("more", [True, False], ids=["head and body", "head only"])
def test_an_exception_in_http_1_0(serve: Serve, more: bool) -> None:
    """An answer that ends with the connection is cut by a reset: otherwise it would look whole."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        if more:
            await send(part(b"begun", more=True))
            await asyncio.sleep(0.05)
        raise RuntimeError("x")

    serving = serve(app)
    with serving.connect() as client:
        client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        data = client.read_to_end()
        assert client.ending == ("reset" if more else "eof")
        assert more or data.startswith(b"HTTP/1.1 500")
    assert len(serving.errors()) == 1


@CASES(
    ("messages", "text"),
    [
        ([], "ASGI callable returned without starting response (GET /route)"),
        ([head()], "ASGI callable returned without completing response (GET /route)"),
    ],
)
def test_it_returns_too_early(serve: Serve, messages: list[Any], text: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    serving = serve(well_or(app))
    with serving.connect() as client:
        assert client.ask(get("/route?q")).status == 500
        client.expect_eof()
    assert serving.errors() == [text]
    assert_served(serving)


def test_it_returns_within_the_answer(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        await send(part(b"begun", more=True))

    serving = serve(app)
    with serving.connect() as client:
        client.send(get("/route") * 2)
        assert client.read_to_end().endswith(b"5\r\nbegun\r\n")
    assert serving.errors() == ["ASGI callable returned without completing response (GET /route)"]


def test_it_returns_a_value(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> Any:
        return {"answer": 42}

    serving = serve(app)
    assert serving.ask(get("/route")).status == 500
    assert serving.errors() == ["ASGI callable should return None, but returned {'answer': 42} (GET /route)"]


def test_it_returns_a_value_behind_its_answer(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> Any:
        await answer(send)
        return 42

    with serve(app).connect() as client:
        assert [client.ask(get()).status for _ in range(2)] == [200] * 2


@CASES("method", ["GET", "HEAD", "POST"])
def test_500_is_framed_for_the_method(serve: Serve, method: str) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("x")

    serving = serve(app)
    data = request(method, "/", body=b"x" * 100 if method == "POST" else None)
    response = serving.ask(data, method)
    assert response.status == 500
    assert response.header("content-length") == [b"21"]
    assert len(response.body) == (0 if method == "HEAD" else 21)
    assert len(serving.errors()) == 1


def test_the_route_in_the_log_cannot_forge_lines(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        pass

    serving = serve(app)
    serving.ask(get("/a%0aERROR:%20forged%1b[31m%e2%80%a8%ff"))
    (text,) = serving.errors()
    assert text == (
        "ASGI callable returned without starting response (GET /a\\nERROR: forged\\x1b[31m\\u2028\\ufffd)"
    )


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_a_value_that_cannot_be_printed(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> Any:
        return Unprintable()

    serving = serve(well_or(app))
    try:
        assert serving.ask().status == 500
        assert_served(serving)
    finally:
        serving.errors()
        serving.failures()


def test_a_log_handler_that_raises(serve: Serve) -> None:
    """The program's own filters and handlers may fail: the client gets its answer all the same."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("of the application")

    serving = serve(well_or(app))
    with a_log_filter_that_raises():
        with serving.connect() as client:
            assert client.ask(get()).status == 500
            client.expect_eof()
        serving.await_idle()
        assert_served(serving)
    serving.in_loop(gc.collect)
    assert "KeyError" in "".join(serving.failures())


def test_an_exception_is_not_kept(serve: Serve) -> None:
    """Neither it nor, through its traceback, what the application held, once it has been told."""
    held: list[Any] = []

    class Thing:
        pass

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        thing = Thing()
        held.append(weakref.ref(thing))
        raise RuntimeError("x")

    serving = serve(app)
    assert serving.ask().status == 500
    serving.await_idle()
    serving.in_loop(gc.collect)
    assert held[0]() is None
    serving.errors()


def test_an_async_generator_that_is_abandoned(serve: Serve) -> None:
    """Its cleaning up runs, in the loop, when it is collected."""
    events: list[str] = []

    async def rows() -> Any:
        try:
            for number in range(10):
                yield number
        finally:
            await asyncio.sleep(0)
            events.append("cleaned up")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async for number in rows():
            if number == 2:
                break
        await answer(send)

    serving = serve(app)
    assert serving.ask().status == 200
    serving.in_loop(gc.collect)
    serving.run(asyncio.sleep(0.02))
    assert events == ["cleaned up"]


def test_an_async_generator_that_is_abandoned_by_an_exception(serve: Serve) -> None:
    events: list[str] = []

    async def rows(send: Send) -> Any:
        try:
            yield 1
        finally:
            try:
                await send(part(b"late"))
            except RuntimeError:
                events.append("refused")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        async for _ in rows(send):
            raise KeyError("within the loop")

    serving = serve(app)
    with serving.connect() as client:
        assert client.ask(get()).status in (200, 500)
    serving.await_idle()
    serving.in_loop(gc.collect)
    serving.run(asyncio.sleep(0.02))
    serving.errors()
    assert events in (["refused"], [])


def test_tasks_left_behind_by_a_failure_cannot_spin(serve: Serve) -> None:
    """A child that sends without end is refused as soon as its parent has failed: it cannot keep the loop."""
    gate = Gate()
    ended: list[str] = []

    async def child(send: Send) -> None:
        try:
            while True:
                await send(part(b"x", more=True))
                if ended:
                    await asyncio.sleep(0)
                else:
                    ended.append("begun")
                    await gate.wait()
        except RuntimeError as error:
            ended.append(str(error))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        app.task = asyncio.ensure_future(child(send))  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
        raise RuntimeError("the parent fails")

    serving = serve(well_or(app))
    with serving.connect() as client:
        client.send(get())
        client.read_to_end()
    gate.open()
    assert_served(serving)
    serving.await_idle()
    assert len(serving.errors()) == 1
    assert "after response already completed" in ended[1]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with 3.11")
def test_an_exception_group(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def child() -> None:
            raise KeyError("in a child")

        async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
            group.create_task(child())

    serving = serve(app)
    assert serving.ask().status == 500
    (text,) = serving.errors()
    assert "ExceptionGroup" in text and "KeyError: 'in a child'" in text
