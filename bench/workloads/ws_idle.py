"""WebSockets with one message behind them that stay: the memory of each, without compression."""

import socket
from dataclasses import dataclass

from bench.held import HeldWorkload
from bench.message_load import QUIET
from bench.workload import MEMORY_PER_CONNECTION, Comparison, Entry, Group
from fastserve.measure.process import Running
from fastserve.measure.spread import Void

WARM_UP_CONNECTIONS = 50
HANDSHAKE = (
    b"GET /messages HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
MESSAGE = b"\x82\x85\0\0\0\0hello"
ECHO = b"\x82\x05hello"
READ_BYTES = 4096


def read(client: socket.socket, end: bytes) -> bytes:
    """Up to and with `end`, behind which nothing comes."""
    answer = b""
    while not answer.endswith(end):
        part = client.recv(READ_BYTES)
        if not part:
            raise Void(f"the server closed a WebSocket after {answer!r}")
        answer += part
    return answer


@dataclass(frozen=True, kw_only=True)
class WebSocketIdleWorkload(HeldWorkload):
    """Each had one message, and its echo."""

    def open(self, client: socket.socket) -> None:
        """The handshake, and one message."""
        client.sendall(HANDSHAKE)
        if not read(client, b"\r\n\r\n").startswith(b"HTTP/1.1 101 "):
            raise Void("the server does not upgrade")
        client.sendall(MESSAGE)
        if read(client, ECHO) != ECHO:
            raise Void("the echo is not what was sent")

    def warm_up(self, server: Running) -> None:
        """By connections that end without a Close."""
        server.connect_first().close()
        for _ in range(WARM_UP_CONNECTIONS):
            with server.connect() as client:
                self.open(client)


WORKLOAD = WebSocketIdleWorkload(
    name="ws_idle",
    title="idle WebSocket",
    group=Group.WEBSOCKET,
    rank=4,
    metric=MEMORY_PER_CONNECTION,
    entries=(Entry("fastserve", options=QUIET), Entry("uvicorn", options=QUIET), Entry("granian")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", at_most=6),
        Comparison("uvicorn", "fastserve"),
    ),
)
