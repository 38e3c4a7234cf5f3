"""A WebSocket client that sends what it is told: frames, broken frames, bytes."""

from __future__ import annotations

import base64
import hashlib
import random
import socket
import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
CONTINUATION = 0
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TIMEOUT_S = 10.0

#: Masking keys. The same in every process: frames are parameters of tests, and name them.
_keys = random.Random(6455)


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes
    fin: bool = True
    compressed: bool = False

    @property
    def code(self) -> int | None:
        """Of a Close."""
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None

    @property
    def reason(self) -> str:
        return self.payload[2:].decode()


def frame(
    opcode: int,
    payload: bytes = b"",
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    length: int | None = None,
) -> bytes:
    """A frame as a client sends it; `length` tells another than the payload's."""
    size = len(payload) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not masked:
        return head + payload
    key = _keys.randbytes(4)
    return head + key + mask(payload, key)


def mask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    pad = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


def request(path: str, headers: Mapping[str, str | bytes | None] | None = None) -> bytes:
    """The head of a handshake; a header that is None is left out."""
    fields: dict[str, str | bytes | None] = {
        "Host": "a",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode(),
        "Sec-WebSocket-Version": "13",
        **(headers or {}),
    }
    lines = [f"GET {path} HTTP/1.1".encode()]
    for name, value in fields.items():
        if value is not None:
            lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
    return b"\r\n".join(lines) + b"\r\n\r\n"


class WebSocket:
    """One connection. It reads by frames, whole ones."""

    def __init__(
        self,
        port: int,
        path: str = "/",
        headers: Mapping[str, str | bytes | None] | None = None,
        behind: bytes = b"",
        receive_buffer_bytes: int = 0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.sock = socket.socket()
        if receive_buffer_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.connect(("127.0.0.1", port))
        if context is not None:
            self.sock = context.wrap_socket(
                self.sock, server_hostname="127.0.0.1", suppress_ragged_eofs=False
            )
        self._read = b""
        self.sock.sendall(request(path, headers) + behind)
        self.status, self.headers = self.read_head()

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.sock.close()

    def read_head(self) -> tuple[int, dict[str, str]]:
        while b"\r\n\r\n" not in self._read:
            self._fill()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        return int(status.split(" ")[1]), {
            name.lower(): value for name, value in (field.split(": ", 1) for field in fields)
        }

    def read_bytes(self, size: int) -> bytes:
        while len(self._read) < size:
            self._fill()
        taken, self._read = self._read[:size], self._read[size:]
        return taken

    def _fill(self) -> None:
        data = self.sock.recv(1 << 20)
        if not data:
            raise EOFError
        self._read += data

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def text(self, text: str) -> None:
        self.send(frame(TEXT, text.encode()))

    def recv(self) -> Frame:
        """The next frame. Raises EOFError at the end of the connection, ConnectionResetError at a reset."""
        first, second = self.read_bytes(2)
        assert not second & 0x80, "a server does not mask"
        assert not first & 0x30, "reserved bits"
        size = second
        if second == 126:
            size = struct.unpack("!H", self.read_bytes(2))[0]
        elif second == 127:
            size = struct.unpack("!Q", self.read_bytes(8))[0]
        return Frame(first & 0x0F, self.read_bytes(size), bool(first & 0x80), bool(first & 0x40))

    def closed(self) -> Frame:
        """The server's Close, and then nothing."""
        last = self.recv()
        assert last.opcode == CLOSE, last
        self.ended()
        return last

    def ended(self) -> None:
        """The end of the connection, in order."""
        try:
            rest = self.recv()
        except EOFError:
            return
        raise AssertionError(f"still open: {rest}")

    def finish(self, code: int | None = 1000, reason: bytes = b"") -> Frame:
        """Close in order from our side; the server's answer."""
        self.send(close(code, reason))
        return self.closed()


def accept_key(key: str) -> str:
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
