"""Are a server's answers right, to the byte, and how long is one on the wire?

wrk counts answers, bytes and error statuses, but reads no body. So each server is asked here first, with the
bytes that wrk sends; the length found here is what wrk's bytes are then held to.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from fastserve.measure.spread import Void

END_OF_HEAD = b"\r\n\r\n"
SHOWN_BYTES = 60
CLOSE_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What one connection sends at a time, `depth` requests in one write, and the body each must get.

    `headers` are those beside Host and Content-Length. With `closes`, the server must close thereafter.
    """

    answer: bytes
    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    depth: int = 1
    closes: bool = False

    def request(self, host: str) -> bytes:
        """One request, as wrk writes it."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode() + END_OF_HEAD + self.body


class Reader:
    """Reads the answers of one connection, to the byte."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._unread = bytearray()

    def _fill(self) -> None:
        data = self._client.recv(256 * 1024)
        if not data:
            raise Void(f"the server closed within an answer, behind {bytes(self._unread[-SHOWN_BYTES:])!r}")
        self._unread += data

    def _take(self, count: int) -> bytes:
        while len(self._unread) < count:
            self._fill()
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken

    def _take_through(self, end: bytes) -> bytes:
        while end not in self._unread:
            self._fill()
        return self._take(self._unread.index(end) + len(end))

    def answer(self) -> tuple[bytes, int]:
        """The body of the next answer, and the answer's length on the wire.

        Raises `Void` unless it is a 200 that carries its body by Content-Length or in chunks.
        """
        head = self._take_through(END_OF_HEAD)
        status_line, *lines = head[: -len(END_OF_HEAD)].split(b"\r\n")
        if not status_line.startswith(b"HTTP/1.1 200 "):
            raise Void(f"the answer is {status_line[:SHOWN_BYTES]!r}")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        if fields.get(b"transfer-encoding") == b"chunked":
            body, wire = self._chunks()
            return body, len(head) + wire
        length = fields.get(b"content-length", b"")
        if not length.isdigit():
            raise Void("the answer has neither a Content-Length nor chunks")
        body = self._take(int(length))
        return body, len(head) + len(body)

    def _chunks(self) -> tuple[bytes, int]:
        """The body in the chunks that follow (without trailers), and its length on the wire."""
        body, wire = b"", 0
        while True:
            size_line = self._take_through(b"\r\n")
            try:
                size = int(size_line, 16)
            except ValueError:
                raise Void(f"the line of a chunk's size is {size_line[:SHOWN_BYTES]!r}") from None
            chunk = self._take(size + 2)
            wire += len(size_line) + len(chunk)
            if not size:
                return body, wire
            body += chunk[:-2]

    def check_rest(self, closes: bool) -> None:
        """Raise `Void` if anything follows the answers, or if the end does not follow where it must."""
        if closes and not self._unread:
            self._client.settimeout(CLOSE_TIMEOUT_S)
            try:
                self._unread += self._client.recv(SHOWN_BYTES)
            except TimeoutError:
                raise Void("the server does not close behind its answer") from None
        if self._unread:
            raise Void(f"behind the answer comes {bytes(self._unread[:SHOWN_BYTES])!r}")


def check(client: socket.socket, exchange: Exchange) -> int:
    """Make the exchange once on a connection and give the bytes of one answer on the wire.

    Raises `Void` when an answer is not the right one, or when their lengths differ; `OSError` when the
    connection fails.
    """
    host, port = client.getpeername()
    request = exchange.request(f"{host}:{port}")
    lengths = set()
    client.sendall(request * exchange.depth)
    reader = Reader(client)
    for _ in range(exchange.depth):
        body, wire = reader.answer()
        if body != exchange.answer:
            raise Void(f"wrong body, {len(body)} bytes: {body[:SHOWN_BYTES]!r}")
        lengths.add(wire)
    reader.check_rest(exchange.closes)
    if len(lengths) > 1:
        raise Void(f"answers of different lengths on the wire: {sorted(lengths)}")
    return lengths.pop()


def ask(client: socket.socket, exchange: Exchange) -> tuple[bytes, int]:
    """Make the exchange once, whatever the body; give it and the bytes of the answer on the wire.

    Raises `Void` unless the answer is a 200, and `OSError` when the connection fails.
    """
    host, port = client.getpeername()
    client.sendall(exchange.request(f"{host}:{port}"))
    return Reader(client).answer()
