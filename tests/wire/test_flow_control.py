"""When does the one side wait for the other? Over a transport in memory, where no byte waits anywhere else.

Both buffers hold 1000 bytes. test_resources.py shows the same over sockets, where the kernel buffers as well.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .app import WireApp
from .memory import MemoryServer, MemoryTransport
from .script import answer, body, fill, mark, read, receive, script, start, wait
from .servers import PROFILES
from .verdict import G

WRITE_MAX = int(PROFILES["buffers"]["write-buffer-bytes-max"])
READ_MAX = int(PROFILES["buffers"]["read-buffer-bytes-max"])
HEAD_MAX = 200
"""More than the head of any answer here."""


@pytest.fixture
def small_buffers(core: Callable[[str], MemoryServer]) -> MemoryServer:
    return core("buffers")


def get(*steps: object) -> bytes:
    return f"GET {script(*steps)} HTTP/1.1\r\nHost: a\r\n\r\n".encode()  # type: ignore[arg-type]


def post(length: int, *steps: object) -> bytes:
    target = script(*steps)  # type: ignore[arg-type]
    return f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode()


@pytest.mark.parametrize(
    "pieces", [[start(200), fill(100, 50)], [start(200), *[body(b"x" * 100, more=True)] * 50]]
)
def test_send_waits_above_the_write_buffer(small_buffers: MemoryServer, pieces: list[list[object]]) -> None:
    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.stalled = True
        client.feed(get(*pieces, mark("done")))
        await client.turns(100)
        assert WRITE_MAX < client.pending_bytes <= WRITE_MAX + 110 + HEAD_MAX
        assert "done" not in app.seen[0].marks
        client.take()
        await client.turns(100)
        assert "done" in app.seen[0].marks

    small_buffers.drive(scenario)


def test_send_does_not_wait_below_the_write_buffer(small_buffers: MemoryServer) -> None:
    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.stalled = True
        client.feed(
            get(start(200), *[body(b"x" * 100, more=True)] * ((WRITE_MAX - HEAD_MAX) // 110), mark("done"))
        )
        await client.turns(100)
        assert "done" in app.seen[0].marks

    small_buffers.drive(scenario)


def test_send_that_waits_is_released_at_the_end_of_the_connection(small_buffers: MemoryServer) -> None:
    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.stalled = True
        client.feed(get(start(200), fill(100, 50)))
        await client.turns(100)
        assert not app.seen[0].finished
        client.abort()
        await client.turns(100)
        assert app.seen[0].finished
        assert app.seen[0].error.endswith(" OSError")

    small_buffers.drive(scenario)


def test_send_that_waits_is_released_when_the_server_gives_up(small_buffers: MemoryServer) -> None:
    """The rest of the body is broken, so the answer that has begun cannot be completed; the client goes."""

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.stalled = True
        target = script(start(200), fill(100, 50))
        client.feed(f"POST {target} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        await client.turns(100)
        assert not app.seen[0].finished
        client.feed(b"x\r\n")
        client.abort()
        await client.turns(100)
        assert app.seen[0].finished
        assert app.seen[0].error.endswith(" OSError")

    small_buffers.drive(scenario)


def test_reading_stops_above_the_read_buffer(small_buffers: MemoryServer) -> None:
    """At the limit the client may send; with one byte more it is stopped until the application reads."""

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.feed(post(READ_MAX + 100, wait("read"), receive(), wait("rest"), read(), answer()))
        for _ in range(READ_MAX // 100):
            client.feed(b"b" * 100)
            await client.turns()
            assert client.is_reading()
        client.feed(b"b")
        assert not client.is_reading()
        await client.turns(100)
        assert not client.is_reading()
        app.open_gate("read")
        await client.turns(100)
        assert client.is_reading()
        client.feed(b"b" * 99)
        app.open_gate("rest")
        await client.turns(100)
        assert app.seen[0].body_length == READ_MAX + 100
        assert client.sent.endswith(b"\r\n\r\nok")

    small_buffers.drive(scenario)


def test_client_whose_body_nobody_read_may_ask_again(small_buffers: MemoryServer) -> None:
    """The body was too large for the buffer, which stopped the client, and the application did without."""

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.feed(post(READ_MAX + 1, wait("go"), answer()) + b"b" * (READ_MAX + 1))
        await client.turns()
        assert not client.is_reading()
        app.open_gate("go")
        await client.turns(100)
        assert client.is_reading()
        client.feed(G + b"\r\n")
        await client.turns()
        assert client.sent.count(b"HTTP/1.1 200 OK\r\n") == 2

    small_buffers.drive(scenario)


def test_reading_stops_behind_an_unfinished_request(small_buffers: MemoryServer) -> None:
    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.feed(get(wait("go"), answer()))
        fed = 0
        while client.is_reading():
            client.feed(G + b"\r\n")
            fed += 1
            assert fed < 10, "the server reads requests that it cannot answer yet"
            await client.turns()
        app.open_gate("go")
        await client.turns(100)
        assert client.is_reading()
        assert client.sent.count(b"HTTP/1.1 200 OK\r\n") == 1 + fed

    small_buffers.drive(scenario)


def test_reading_stops_behind_answers_that_nobody_takes(small_buffers: MemoryServer) -> None:
    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.stalled = True
        fed = 0
        while client.is_reading():
            client.feed((G + b"\r\n") * 10)
            fed += 10
            assert fed < 1000, "the server answers a client that takes nothing"
            await client.turns()
        assert client.pending_bytes < WRITE_MAX + 10 * 1000
        client.take()
        await client.turns(100)
        assert client.is_reading()
        assert client.sent.count(b"HTTP/1.1 200 OK\r\n") == fed

    small_buffers.drive(scenario)
