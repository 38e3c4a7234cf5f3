"""Is this answer well-formed HTTP/1.1?

`parse_response` reads one response by RFC 9112's framing rules and refuses whatever is not exactly right: a
lenient client would hide the server's mistakes. `Client` is a socket with a timeout on every operation; it
distinguishes a connection that ends (FIN) from one that is reset (RST).
"""

from __future__ import annotations

import json
import re
import select
import socket
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

TIMEOUT_S = 5.0
PARSED_EACH_TIME_MAX = 100_000
"""A response up to this size is parsed anew after each read, a longer one when no more is there to read."""

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9]) ([\t \x21-\x7e\x80-\xff]*)\r\n")
_FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*([\t \x21-\x7e\x80-\xff]*?)[\t ]*\r\n")
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")
_DATE = re.compile(
    rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} "
    rb"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
)


class WireError(AssertionError):
    """The server sent bytes that are not a well-formed answer, or none in time."""


@dataclass
class Response:
    """One response. Names of fields are in lower case; `raw` holds all its bytes."""

    version: str
    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    raw: bytes = b""
    chunks: list[bytes] = field(default_factory=list)
    framing: str = "none"
    """How the body's end is known: none, length, chunked or close."""

    def header(self, name: str) -> list[bytes]:
        """All values of this field, in order; `name` in lower case."""
        return [value for key, value in self.headers if key == name.encode()]

    @property
    def closes(self) -> bool:
        """The server announces that it closes the connection after this response."""
        tokens = [t.strip().lower() for value in self.header("connection") for t in value.split(b",")]
        return b"close" in tokens or (self.version == "1.0" and b"keep-alive" not in tokens)

    def json(self) -> Any:
        return json.loads(self.body)


def parse_response(data: bytes, method: str = "GET", eof: bool = False) -> Response | None:
    """The response at the beginning of `data`; None if it is not complete yet.

    `method` is the request's, which decides whether a body follows (RFC 9112, 6.3); `eof` says that no byte
    follows. Raises WireError for anything malformed.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        line = data.split(b"\r\n", 1)[0] + b"\r\n" if b"\r\n" in data else b""
        if line and not _STATUS_LINE.fullmatch(line):
            raise WireError(f"not a status line: {line!r}")
        return None
    head, rest = data[: end + 2], data[end + 4 :]
    match = _STATUS_LINE.match(head)
    if not match:
        raise WireError(f"not a status line: {head[:200]!r}")
    response = Response(f"1.{match[1].decode()}", int(match[2]), match[3], _parse_fields(head[match.end() :]))
    used = _parse_body(response, rest, method, eof)
    if used is None:
        return None
    response.raw = data[: end + 4 + used]
    return response


def parse_responses(data: bytes, methods: list[str]) -> list[Response]:
    """All of a connection's responses, up to its end, to requests with these methods (the last one repeats).

    Raises WireError if the bytes are not a sequence of whole responses.
    """
    responses: list[Response] = []
    answered = 0
    while data:
        response = parse_response(data, methods[min(answered, len(methods) - 1)], eof=True)
        if response is None:
            raise WireError(f"the connection ended within a response: {data[-300:]!r}")
        responses.append(response)
        answered += response.status >= 200
        data = data[len(response.raw) :]
    return responses


def _parse_fields(lines: bytes) -> list[tuple[bytes, bytes]]:
    fields = []
    position = 0
    while position < len(lines):
        match = _FIELD_LINE.match(lines, position)
        if not match:
            raise WireError(f"not a field line: {lines[position : position + 200]!r}")
        fields.append((match[1].lower(), match[2]))
        position = match.end()
    return fields


def _parse_body(response: Response, rest: bytes, method: str, eof: bool) -> int | None:
    """Set the body and its framing; return the number of bytes it takes, None if more are needed."""
    lengths = response.header("content-length")
    codings = response.header("transfer-encoding")
    if len(lengths) > 1 or len(codings) > 1 or (lengths and codings):
        raise WireError(f"ambiguous framing: {response.headers}")
    if lengths and not re.fullmatch(rb"[0-9]{1,18}", lengths[0]):
        raise WireError(f"Content-Length {lengths[0]!r}")
    for date in response.header("date"):
        if not _DATE.fullmatch(date):
            raise WireError(f"Date {date!r}")
    if response.status < 200 or response.status == 204:
        if lengths or codings:
            raise WireError(f"{response.status} with {response.headers}")
        return 0
    if method == "HEAD" or response.status == 304:
        return 0
    if codings:
        if codings[0].lower() != b"chunked" or response.version == "1.0":
            raise WireError(f"Transfer-Encoding {codings[0]!r} in HTTP/{response.version}")
        response.framing = "chunked"
        return _parse_chunks(response, rest)
    if lengths:
        response.framing = "length"
        size = int(lengths[0])
        if len(rest) < size:
            return None
        response.body = rest[:size]
        return size
    response.framing = "close"
    if not response.closes:
        raise WireError(
            f"a body that only the connection's end can end, without Connection: close: {response.headers}"
        )
    response.body = rest
    return len(rest) if eof else None


def _parse_chunks(response: Response, rest: bytes) -> int | None:
    position = 0
    while True:
        line_end = rest.find(b"\r\n", position)
        if line_end < 0:
            return None
        match = _CHUNK_LINE.fullmatch(rest[position : line_end + 2])
        if not match:
            raise WireError(f"not a chunk size line: {rest[position : line_end + 2]!r}")
        size = int(match[1], 16)
        position = line_end + 2
        if len(rest) < position + size + 2:
            return None
        if rest[position + size : position + size + 2] != b"\r\n":
            raise WireError(f"chunk of {size} bytes not followed by CRLF: {rest[position + size :][:20]!r}")
        if size == 0:
            response.body = b"".join(response.chunks)
            return position + 2
        response.chunks.append(rest[position : position + size])
        position += size + 2


class Client:
    """One TCP connection to the server on 127.0.0.1; every wait ends after `timeout_s`."""

    def __init__(
        self,
        port: int,
        timeout_s: float = TIMEOUT_S,
        send_buffer_bytes: int = 0,
        receive_buffer_bytes: int = 0,
    ) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if send_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.connect(("127.0.0.1", port))
        self.port: int = self.socket.getsockname()[1]
        self._received = bytearray()
        self.ending = "open"
        """How the server ended the connection: open (not yet), eof or reset."""

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    @property
    def buffer(self) -> bytes:
        """What has been received and not yet been taken for a response."""
        return bytes(self._received)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_until_blocked(self, data: bytes, quiet_s: float = 0.3) -> int:
        """Send until the server takes nothing for `quiet_s`; return how many bytes the kernel has taken."""
        view = memoryview(data)
        sent = 0
        timeout_s = self.socket.gettimeout()
        self.socket.settimeout(quiet_s)
        try:
            while sent < len(view):
                sent += self.socket.send(view[sent:])
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(timeout_s)
        return sent

    def shutdown_write(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def receive(self) -> bool:
        """Read once into the buffer; False at the connection's end, see `ending`. Raises TimeoutError."""
        try:
            data = self.socket.recv(262144)
        except ConnectionError:
            self.ending = "reset"
            return False
        self._received += data
        if not data:
            self.ending = "eof"
        return bool(data)

    def _readable(self) -> bool:
        return self.ending == "open" and bool(select.select([self.socket], [], [], 0)[0])

    def response(self, method: str = "GET") -> Response:
        """The next response, whole."""
        while True:
            response = parse_response(self.buffer, method, eof=self.ending == "eof")
            if response is not None:
                del self._received[: len(response.raw)]
                return response
            if self.ending != "open":
                raise WireError(
                    f"the connection ended ({self.ending}) within a response: {self.buffer[-300:]!r}"
                )
            try:
                self.receive()
                while len(self._received) > PARSED_EACH_TIME_MAX and self._readable():
                    self.receive()
            except TimeoutError:
                raise WireError(f"no whole response in time; so far {self.buffer[-300:]!r}") from None

    def ask(self, request: bytes, method: str = "GET") -> Response:
        """Send one request and read its response."""
        self.send(request)
        return self.response(method)

    def read_to_end(self) -> bytes:
        """All bytes until the connection ends, in whatever way."""
        try:
            while self.receive():
                pass
        except TimeoutError:
            raise WireError(f"the connection did not end in time; so far {self.buffer[-300:]!r}") from None
        data = self.buffer
        self._received.clear()
        return data

    def expect_eof(self) -> None:
        """Nothing follows but the orderly end of the connection."""
        data = self.read_to_end()
        if data or self.ending != "eof":
            raise WireError(f"expected the end of the connection, got {data[:300]!r} and {self.ending}")

    def expect_silence(self, duration_s: float = 0.05) -> None:
        """Nothing arrives within this time, and the connection stays open."""
        if self.buffer:
            raise WireError(f"expected silence, got {self.buffer[:300]!r}")
        timeout_s = self.socket.gettimeout()
        self.socket.settimeout(duration_s)
        try:
            if self.receive() or self.ending != "open":
                raise WireError(f"expected silence, got {self.buffer[:300]!r} and {self.ending}")
        except TimeoutError:
            return
        finally:
            self.socket.settimeout(timeout_s)
