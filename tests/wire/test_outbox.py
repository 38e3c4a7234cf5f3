"""What goes to a socket past its transport: whole answers, in order, and never to somebody else."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from .app import Receive, Scope, Send
from .memory import Core, MemoryTransport, start_core
from .verdict import G

pytest.importorskip("fastserve.net.outbox")

BODY = bytes(range(256)) * 240


class WiredTransport(MemoryTransport):
    """A transport with a socket, as event loops' have; what is written to the transport shows in `sent`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: ssl.SSLContext | None = None) -> None:
        super().__init__(loop)
        self.socket, self.peer = socket.socketpair()
        for end in (self.socket, self.peer):
            end.setblocking(False)
        self._extra = {**self._extra, "socket": self.socket, "sslcontext": context}

    _extra: dict[str, Any]

    def arrived(self) -> bytes:
        """What the peer has got since it was asked last."""
        got = b""
        while True:
            try:
                got += self.peer.recv(1 << 20)
            except BlockingIOError:
                return got

    def end(self) -> None:
        self.socket.close()
        self.peer.close()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    body = BODY if scope["path"] == "/large" else b"small"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class Line:
    """A server with one client."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: ssl.SSLContext | None = None) -> None:
        self.loop = loop
        self.transport = WiredTransport(loop, context)
        self.core: Core = loop.run_until_complete(self._start())

    async def _start(self) -> Core:
        core = start_core("cython", self.loop, application, {})
        self.transport.set_protocol(core.factory())
        self.transport.get_protocol().connection_made(self.transport)
        return core

    def ask(self, request: bytes = G + b"\r\n") -> None:
        self.loop.call_soon(self.transport.feed, request)

    def turn(self) -> None:
        self.loop.run_until_complete(asyncio.sleep(0.01))

    def stop(self) -> None:
        self.loop.call_soon(self.core.stop)
        self.turn()
        self.transport.end()
        self.loop.close()


@pytest.fixture
def line() -> Iterator[Line]:
    """One that has had an answer: the first goes through the transport, and many connections have but one."""
    running = Line(asyncio.new_event_loop())
    running.ask()
    running.turn()
    assert running.transport.sent.endswith(b"small")
    assert running.transport.arrived() == b""
    running.transport.sent.clear()
    yield running
    running.stop()


def test_a_small_answer_goes_to_the_socket(line: Line) -> None:
    line.ask()
    line.turn()
    assert line.transport.arrived().endswith(b"\r\n\r\nsmall")
    assert not line.transport.sent


def test_what_the_kernel_does_not_take_is_the_transports(line: Line) -> None:
    """And with it all that follows, for as long as the transport has to write."""
    line.transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    line.transport.stalled = True
    line.ask(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
    line.turn()
    first = line.transport.arrived()
    assert 0 < len(first) < len(BODY)
    assert (first + line.transport.sent).partition(b"\r\n\r\n")[2] == BODY

    line.transport.sent.clear()
    line.ask()
    line.turn()
    assert line.transport.arrived() == b""
    assert line.transport.sent.endswith(b"small")

    line.transport.sent.clear()
    line.transport.take()
    line.ask()
    line.turn()
    assert line.transport.arrived().endswith(b"small")
    assert not line.transport.sent


def test_a_transport_that_is_closing_has_no_socket_any_more(line: Line) -> None:
    """Event loops close it at once and tell later: its number may be another client's by then."""
    line.ask()
    line.turn()
    assert line.transport.arrived()
    line.ask()
    line.loop.call_soon(line.transport.abort)
    line.turn()
    assert line.transport.arrived() == b""


def test_a_client_that_is_gone_is_the_transports_to_find(line: Line) -> None:
    line.transport.peer.close()
    line.ask()
    line.turn()
    assert line.transport.sent.endswith(b"small")


def test_under_tls_all_goes_through_the_transport() -> None:
    line = Line(asyncio.new_event_loop(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    for _ in range(3):
        line.ask()
        line.turn()
    assert line.transport.sent.count(b"small") == 3
    assert line.transport.arrived() == b""
    line.stop()
