"""Is anything left alive? A debug build counts connections, sinks and cycles: after any traffic, none."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from typing import Any

import pytest

from fastserve.net import debug

from .apps import Receive, Scope, Send, answer, head, part, read
from .conftest import Serve
from .serving import Serving, get, request, until

HELD: contextvars.ContextVar[Any] = contextvars.ContextVar("HELD", default=None)

counted = pytest.mark.skipif(
    not debug.is_debug_build(), reason="live objects are counted in a debug build only (FASTSERVE_DEBUG=1)"
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Holds itself in every way that applications do, and does what its path says."""
    cell: list[Any] = [scope, receive, send]
    cell.append(cell)
    scope["receive"], scope["send"] = receive, send
    HELD.set(cell)
    task: Any = asyncio.current_task()
    task.add_done_callback(lambda _: cell)
    await PATHS[scope["path"]](cell, receive, send)


async def whole(cell: Any, receive: Receive, send: Send) -> None:
    await answer(send, await read(receive))


async def streamed(cell: Any, receive: Receive, send: Send) -> None:
    await send(head())
    for _ in range(5):
        await send(part(b"x" * 1000, more=True))
        await asyncio.sleep(0)
    await send(part())


async def raising(cell: Any, receive: Receive, send: Send) -> None:
    error = RuntimeError("x")
    cell.append(error)
    raise error


async def cut(cell: Any, receive: Receive, send: Send) -> None:
    await send(head())
    await send(part(b"x", more=True))


async def silent(cell: Any, receive: Receive, send: Send) -> None:
    pass


async def given_up(cell: Any, receive: Receive, send: Send) -> None:
    for _ in range(3):
        waiting = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        waiting.cancel()
    await answer(send)


async def left_behind(cell: Any, receive: Receive, send: Send) -> None:
    async def child() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        cell.append("ended")

    cell.append(asyncio.ensure_future(child()))
    await answer(send)


async def endless(cell: Any, receive: Receive, send: Send) -> None:
    await send(head())
    while True:
        await send(part(bytes(100_000), more=True))


async def waiting(cell: Any, receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def behind(cell: Any, receive: Receive, send: Send) -> None:
    await answer(send)
    await asyncio.sleep(0.01)
    await receive()


PATHS: dict[str, Any] = {
    "/" + step.__name__: step
    for step in (whole, streamed, raising, cut, silent, given_up, left_behind, endless, waiting, behind)
}


def traffic(serving: Serving) -> None:
    """Every path, by clients that stay, leave, and leave in the middle of everything."""
    for path in PATHS:
        if path not in ("/endless", "/waiting"):
            with serving.connect() as client:
                client.send(get(path, "Connection: close"))
                assert client.read_to_end()
        unfinished = request("POST", path, "Content-Length: 100") + b"x"
        for data in (get(path), request("POST", path, body=b"y"), unfinished):
            for leave in ("reset", "close", "shutdown_write"):
                client = serving.connect()
                client.send(data + get("/whole"))
                if path in ("/streamed", "/endless"):
                    assert client.receive()
                getattr(client, leave)()
                client.close()
    for data in (b"", b"G", b"GET / HTTP/1.1\r\nHo", b"rubbish\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
        with serving.connect() as client:
            client.send(data)


@counted
def test_none_is_left_after_any_traffic(serve: Serve) -> None:
    """The fixture asserts it again, once the server is gone; here it still runs."""
    before = debug.live_objects()
    serving = serve(app, half_close_timeout_s=0.2, linger_timeout_s=0.2, body_timeout_s=0.5)
    traffic(serving)

    def gone() -> bool:
        serving.in_loop(gc.collect)
        return debug.live_objects() == before

    until(gone, lambda: f"left alive: {debug.live_objects()}, before: {before}")
    serving.errors()


@counted
def test_they_are_counted(serve: Serve) -> None:
    """A test that expects zero can fail."""
    before = debug.live_objects()
    serving = serve(app)
    with serving.connect() as client:
        client.send(get("/waiting"))
        until(lambda: serving.in_flight == 1, "not arrived")
        assert {kind: count - before[kind] for kind, count in debug.live_objects().items()} == {
            "connections": 1,
            "sinks": 1,
            "cycles": 1,
        }
        client.reset()
    serving.await_idle()


def test_an_idle_connection_holds_no_request(serve: Serve) -> None:
    """Also in a build that does not count. (A sink stays with its connection, for the next request.)"""

    def cycles() -> int:
        gc.collect()
        return sum(type(thing).__name__ == "ASGICycle" for thing in gc.get_objects())

    serving = serve(app)
    before = serving.in_loop(cycles)
    clients = [serving.connect() for _ in range(5)]
    for client in clients:
        for path in ("/whole", "/streamed", "/given_up"):
            assert client.ask(get(path)).status == 200
    serving.await_idle()
    assert serving.in_loop(cycles) == before
    for client in clients:
        client.close()
