"""What may a client send? Messages by the grammar, bent by chance (for fuzz_connection.py).

`bent` takes the bytes of one or two conversations that are known, or makes new ones, and changes a
little: most results are nearly right, which is where parsers disagree.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

INPUT_BYTES_MAX = 3000

METHODS = [
    b"GET",
    b"GET",
    b"HEAD",
    b"POST",
    b"POST",
    b"PUT",
    b"OPTIONS",
    b"M-SEARCH",
    b"CONNECT",
    b"PRI",
    b"get",
]
TARGETS = [
    b"/", b"/a", b"/early", b"/early", b"/part", b"/fail", b"/cut", b"/none", b"/length", b"/hint",
    b"/a?b=c", b"*", b"http://h/p", b"//", b"/%00%0a", b"a:80", b"/\xff", b"/" + b"l" * 300,
]  # fmt: skip
VERSIONS = [b"HTTP/1.1"] * 8 + [b"HTTP/1.0", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b""]
FIELDS = [
    b"Host: a", b"Host: a/b", b"Host:", b"Connection: close", b"Connection: keep-alive",
    b"Connection: x, close\t", b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 5, 5",
    b"Content-Length: +5", b"Content-Length: 05", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: xchunked", b"TE: trailers",
    b"Trailer: x", b"Expect: 100-continue", b"Expect: wonders", b"Upgrade: h2c",
    b"Connection: upgrade, http2-settings", b"Upgrade: websocket", b"Connection: Upgrade",
    b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"X: " + b"v" * 200,
    b"X:", b"X: \x80\xff", b"X : y", b" X: y", b"X: a\rb", b"X: a\0b", b"Cookie: a=b", b": x", b"X",
    b"Content-Length: 99999999999999999999",
]  # fmt: skip
PIECES = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b"0\r\n\r\n", b"5\r\nhello\r\n",
    b";a=b", b"ffffffff", b"\x7f", b"\x1b", b"\x85", b"%", b"HTTP/1.1",
    *(field + b"\r\n" for field in FIELDS),
]  # fmt: skip


def message(chance: random.Random) -> bytes:
    """One request, most of them right."""
    pick = chance.choice
    method, target, version = pick(METHODS), pick(TARGETS), pick(VERSIONS)
    fields = [b"Host: a"] if chance.random() < 0.95 else []
    body = b""
    if chance.random() < 0.5:
        content = bytes(chance.choices(b"helo \r\n\0", k=pick([0, 1, 5, 30, 200])))
        if chance.random() < 0.5:
            fields.append(b"Content-Length: %d" % len(content))
            body = content
        else:
            fields.append(b"Transfer-Encoding: chunked")
            body = chunked(content, chance)
    for _ in range(pick([0, 0, 0, 1, 2])):
        fields.insert(chance.randint(0, len(fields)), pick(FIELDS))
    return b" ".join([method, target, version]) + b"\r\n" + b"\r\n".join([*fields, b"", body])


def chunked(content: bytes, chance: random.Random) -> bytes:
    out = []
    while content:
        size = chance.randint(1, len(content))
        extension = chance.choice([b"", b"", b";a", b';a="b;c"', b" ;a", b";" + b"e" * 30])
        out.append(b"%x%b\r\n%b\r\n" % (size, extension, content[:size]))
        content = content[size:]
    trailer = chance.choice([b"", b"", b"", b"T: t\r\n", b"Content-Length: 1\r\n", b"T : t\r\n"])
    return b"".join([*out, b"0\r\n", trailer, b"\r\n"])


def conversation(chance: random.Random) -> bytes:
    return b"".join(message(chance) for _ in range(chance.choice([1, 1, 2, 3])))


def bent(known: Sequence[bytes], chance: random.Random) -> bytes:
    """A new input, from what is known or from nothing."""
    data = chance.choice(known) if known and chance.random() < 0.6 else conversation(chance)
    for _ in range(chance.choice([0, 1, 1, 1, 2, 4])):
        data = chance.choice(_BENDINGS)(data, known, chance)
    return data[:INPUT_BYTES_MAX]


def _flip(data: bytes, known: Sequence[bytes], chance: random.Random) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _put(data: bytes, known: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + chance.choice(PIECES) + data[at:]


def _leave_out(data: bytes, known: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randint(0, len(data))
    return data[:at] + data[at + chance.choice([1, 1, 2, 10, 100]) :]


def _repeat(data: bytes, known: Sequence[bytes], chance: random.Random) -> bytes:
    begin = chance.randint(0, len(data))
    end = min(len(data), begin + chance.choice([1, 2, 10, 100, 1000]))
    return data[:end] + data[begin:end] * chance.choice([1, 1, 3, 30]) + data[end:]


def _swap_lines(data: bytes, known: Sequence[bytes], chance: random.Random) -> bytes:
    lines = data.split(b"\r\n")
    a, b = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\r\n".join(lines)


def _cut_off(data: bytes, known: Sequence[bytes], chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _splice(data: bytes, known: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(known) if known else message(chance)
    return data[: chance.randint(0, len(data))] + other[chance.randint(0, len(other)) :]


_Bending = Callable[[bytes, Sequence[bytes], random.Random], bytes]
_BENDINGS: list[_Bending] = [_flip, _put, _put, _leave_out, _repeat, _swap_lines, _cut_off, _splice]
