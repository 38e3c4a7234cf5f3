"""fastserve/proxy_protocol/introduction.py: who hears what, wherever the bytes are cut."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fastserve.proxy_protocol.introduction import Introduction, Listener

HEADER = b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
TRUSTED, STRANGER = ("127.0.0.1", 5), ("192.0.2.9", 5)


class Behind(asyncio.Protocol):
    """What HTTP's protocol hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.received = b""

    def connection_made(self, transport: Any) -> None:
        self.heard.append("made")

    def introduce(self, client: Any, server: Any, secure: bool) -> None:
        self.heard.append(f"introduced {client[0]}")

    def data_received(self, data: bytes) -> None:
        assert data
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.heard.append("lost")


class Wire:
    """A transport, and an endpoint that writes to no log."""

    def __init__(self, peer: object = TRUSTED) -> None:
        self.names = {"peername": peer, "sockname": ("127.0.0.1", 80) if peer else "/run/app.sock"}
        self.aborted = False
        self.log: list[str] = []
        self.behind = Behind()
        first = Listener(lambda: self.behind, "127.0.0.1,unix:/run/app.sock", self, 1000)()
        self.protocol: asyncio.Protocol = first
        first.connection_made(self)

    def get_extra_info(self, name: str) -> object:
        return self.names[name]

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def abort(self) -> None:
        self.aborted = True

    def log_refused(self, message: str, peer: Any, reason: str) -> None:
        self.log.append(message % (peer, reason))

    def send(self, data: bytes) -> None:
        self.protocol.data_received(data)


@pytest.mark.parametrize("at", range(1, len(HEADER + REQUEST)))
def test_wherever_the_bytes_are_cut(at: int) -> None:
    wire = Wire()
    assert wire.behind.heard == ["made"]
    data = HEADER + REQUEST
    wire.send(data[:at])
    wire.send(data[at:])
    assert wire.protocol is wire.behind
    assert wire.behind.heard == ["made", "introduced 192.0.2.1"]
    assert wire.behind.received == REQUEST


def test_byte_by_byte() -> None:
    wire = Wire()
    for byte in HEADER + REQUEST:
        wire.send(bytes([byte]))
    assert wire.behind.received == REQUEST


def test_a_proxy_that_speaks_for_itself_introduces_nobody() -> None:
    wire = Wire()
    wire.send(b"PROXY UNKNOWN\r\n" + REQUEST)
    assert (wire.behind.heard, wire.behind.received) == (["made"], REQUEST)


def test_a_trusted_peer_has_to_introduce() -> None:
    wire = Wire()
    wire.send(REQUEST)
    assert wire.aborted
    wire.protocol.connection_lost(None)
    assert (wire.behind.heard, wire.behind.received) == (["made", "lost"], b"")
    assert wire.log == [f"PROXY header from {TRUSTED} refused: it does not begin with one"]


def test_a_stranger_speaks_for_itself() -> None:
    wire = Wire(STRANGER)
    wire.send(REQUEST)
    assert (wire.behind.heard, wire.behind.received) == (["made"], REQUEST)
    assert not wire.aborted


def test_a_stranger_that_introduces_is_told_off() -> None:
    wire = Wire(STRANGER)
    wire.send(HEADER + REQUEST)
    assert wire.aborted
    assert wire.behind.received == b""
    assert wire.log == [f"PROXY header from {STRANGER} refused: it is not one of proxy_allow_ips"]


def test_who_comes_through_a_trusted_unix_socket() -> None:
    wire = Wire(None)
    wire.send(HEADER + REQUEST)
    assert wire.behind.heard == ["made", "introduced 192.0.2.1"]


@pytest.mark.parametrize(("sent", "lines"), [(b"", 0), (HEADER[:9], 1)])
def test_an_end_before_the_header(sent: bytes, lines: int) -> None:
    """Checks that connect and go, as balancers make them, are not worth a line."""
    wire = Wire()
    if sent:
        wire.send(sent)
    assert not wire.protocol.eof_received()
    wire.protocol.connection_lost(None)
    assert wire.behind.heard == ["made", "lost"]
    assert len(wire.log) == lines


def test_nothing_is_kept_once_it_is_over() -> None:
    wire = Wire()
    first = wire.protocol
    wire.send(HEADER)
    assert isinstance(first, Introduction)
    assert not any(hasattr(first, name) for name in ("_transport", "_behind", "_received"))
