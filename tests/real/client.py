"""Are thousands of answers, over many connections at once, all right?

A keep-alive client that judges every answer: status, framing, body, and that nothing follows the last one. It
knows as much of HTTP/1.1 as that takes (RFC 9112, 6 and 7.1), and is strict about it: a server that frames
badly is found out by the next answer on that connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

CONNECTIONS = 64
TOTAL = 10_000
TIMEOUT_S = 100.0


class WrongAnswer(AssertionError):
    """An answer is not what it must be."""


@dataclass(frozen=True)
class Answer:
    """A response: `headers` by lower-case name, `body` without its framing."""

    status: int
    headers: dict[str, str]
    body: bytes


async def _read_chunked(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append(await reader.readexactly(size))
        if await reader.readexactly(2) != b"\r\n":
            raise WrongAnswer("chunk data not followed by CRLF")
    if await reader.readexactly(2) != b"\r\n":
        raise WrongAnswer("trailers, or no empty line, behind the last chunk")
    return b"".join(parts)


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """The next response to a GET.

    Raises:
        WrongAnswer: it breaks HTTP/1.1's framing, or its length is not told.
        asyncio.IncompleteReadError: the connection ended within it.
    """
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n"))[:-4].decode("latin-1").split("\r\n")
    version, _, status = status_line.partition(" ")
    if version != "HTTP/1.1" or not status[:3].isdecimal():
        raise WrongAnswer(f"no status line: {status_line!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        if name.lower() in headers:
            raise WrongAnswer(f"{name} twice")
        headers[name.lower()] = value.strip(" \t")
    length, coding = headers.get("content-length"), headers.get("transfer-encoding")
    if length is not None and coding is None:
        body = await reader.readexactly(int(length))
    elif coding == "chunked" and length is None:
        body = await _read_chunked(reader)
    else:
        raise WrongAnswer(f"Content-Length {length!r} and Transfer-Encoding {coding!r}")
    return Answer(int(status[:3]), headers, body)


async def _use_one_connection(
    port: int, numbers: range, target: Callable[[int], str], body: Callable[[int], bytes]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for number in numbers:
            last = number == numbers[-1]
            writer.write(
                f"GET {target(number)} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                f"Connection: {'close' if last else 'keep-alive'}\r\n\r\n".encode("ascii")
            )
            answer = await read_answer(reader)
            if answer.status != 200 or answer.body != body(number):
                raise WrongAnswer(f"{target(number)}: {answer}, not {body(number)!r}")
        if surplus := await reader.read():
            raise WrongAnswer(f"behind the last answer: {surplus[:200]!r}")
    finally:
        writer.close()


def ask_many(
    port: int,
    target: Callable[[int], str],
    body: Callable[[int], bytes],
    *,
    total: int = TOTAL,
    connections: int = CONNECTIONS,
) -> None:
    """GET target(0), target(1), ... over kept-alive connections, all at once; each answer is 200, body(n).

    Raises:
        AssertionError: answers were wrong, or connections ended early; it tells the first few.
        TimeoutError: it took longer than TIMEOUT_S.
    """

    async def ask() -> None:
        shares = [range(first, total, connections) for first in range(connections)]
        users = [_use_one_connection(port, share, target, body) for share in shares]
        results = await asyncio.wait_for(asyncio.gather(*users, return_exceptions=True), TIMEOUT_S)
        wrong = [repr(result) for result in results if result is not None]
        assert not wrong, f"{len(wrong)} of {connections} connections went wrong:\n" + "\n".join(wrong[:5])

    asyncio.run(ask())
