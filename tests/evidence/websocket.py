"""What does a client of WebSocket see? A simple one: servers are tried here, not the protocol (RFC 6455)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from .running import Server, told

HANDSHAKE = (
    "GET {} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
TEXT, CLOSE, PING = 1, 8, 9


class Client:
    """A connection that asks for WebSocket. `answer` is the head of what the server said to that."""

    def __init__(self, server: Server, path: str = "/") -> None:
        self.sock = server.connect()
        self.sock.sendall(HANDSHAKE.format(path).encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer and (part := self.sock.recv(4096)):
            self.buffer += part
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.answer = told(head + b"\r\n\r\n", ("sec-websocket-extensions",))

    @property
    def is_open(self) -> bool:
        return self.answer.startswith("101 ")

    def send(self, opcode: int, payload: bytes) -> None:
        """One whole frame, masked by zeros."""
        size = len(payload)
        if size < 126:
            length = bytes([0x80 | size])
        else:
            length = (
                b"\xfe" + size.to_bytes(2, "big") if size < 1 << 16 else b"\xff" + size.to_bytes(8, "big")
            )
        self.sock.sendall(bytes([0x80 | opcode]) + length + bytes(4) + payload)

    def receive(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload; an EOF is a Close without a code."""
        while True:
            if len(self.buffer) >= 2:
                size, at = self.buffer[1], 2
                if size == 126:
                    size, at = int.from_bytes(self.buffer[2:4], "big"), 4
                if len(self.buffer) >= at + size:
                    opcode, payload = self.buffer[0] & 15, self.buffer[at : at + size]
                    self.buffer = self.buffer[at + size :]
                    return opcode, payload
            part = self.sock.recv(4096)
            if not part:
                return CLOSE, b""
            self.buffer += part

    def closing(self) -> str:
        """How the server closes, whatever it sends before."""
        while True:
            opcode, payload = self.receive()
            if opcode == CLOSE:
                self.send(CLOSE, payload)
                return f"closed by {int.from_bytes(payload[:2], 'big') or 'nothing'}"


def sending(size: int) -> Callable[[Server], str]:
    """A message of this size, and the first word of its echo; or how the server closes."""

    def look(server: Server) -> str:
        client = Client(server)
        with client.sock:
            if not client.is_open:
                return client.answer
            client.send(TEXT, b"x" * size)
            opcode, payload = client.receive()
            if opcode == CLOSE:
                return f"closed by {int.from_bytes(payload[:2], 'big')}"
            client.send(CLOSE, (1000).to_bytes(2, "big"))
            return f"{client.answer}, an echo, {client.closing()}"

    return look


def pings(server: Server) -> str:
    """Whether the server asks about the client twice within some seconds."""
    client = Client(server)
    with client.sock:
        asked = 0
        end = time.monotonic() + 5
        while asked < 2 and time.monotonic() < end:
            opcode, payload = client.receive()
            if opcode == PING:
                asked += 1
                client.send(10, payload)
        client.send(CLOSE, (1000).to_bytes(2, "big"))
        client.closing()
        return f"{asked} pings"


def silent(server: Server) -> str:
    """A client that answers no ping."""
    client = Client(server)
    with client.sock, contextlib.suppress(TimeoutError):
        begun = time.monotonic()
        how = client.closing()
        return f"{how} {'soon' if time.monotonic() - begun < 5 else 'late'}"
    return "left open"


def pouring(server: Server) -> str:
    """How much the server takes for an application that receives nothing: kernels hold some MiB for each."""
    client = Client(server, "/deaf")
    message = bytes(1 << 20)
    with client.sock:
        client.sock.settimeout(1.5)
        for taken in range(64):
            try:
                client.send(2, message)
            except TimeoutError:
                return "takes some MiB" if taken < 32 else f"takes {taken} MiB"
        return "takes 64 messages of 1 MiB"
