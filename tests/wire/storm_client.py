"""What do the clients of the storm do, and what do they make of their bytes? (storm.py)"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .memory import MemoryTransport
from .storm_actor import Asked


class StormTransport(MemoryTransport):
    """A transport with a kernel's buffer on the way in, and a client that takes bytes on command."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._extra = {**self._extra, "socket": self}
        self.family = socket.AF_INET
        self.stalled = True
        self.inbox = bytearray()
        self.shut_down = False
        self.heard_eof = False
        self.will_reset = False
        self.broken = False
        self.changes = 0

    # the client's side

    def deliver(self, size: int) -> None:
        """One read of the event loop's."""
        if not self.open_to_read or self.broken:
            return
        if self.inbox:
            piece = bytes(self.inbox[:size])
            del self.inbox[:size]
            self.changes += 1
            self.feed(piece)
        elif self.shut_down and not self.heard_eof:
            self.heard_eof = True
            self.changes += 1
            self.shut()

    def take(self, size: int | None = None) -> None:
        if self.pending_bytes:
            self.changes += 1
        super().take(self.pending_bytes if size is None else size)
        self._end_when_taken()

    def reset(self) -> None:
        """The client's kernel answers by RST."""
        if not self.lost and not self.broken:
            self.broken = True
            self.inbox.clear()
            self.abort()

    @property
    def got(self) -> bytes:
        """What the client has taken; after a reset by the server, what was on its way is gone."""
        return bytes(self.sent[: len(self.sent) - self.pending_bytes])

    # the server's side

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_LINGER)
        self.will_reset = True

    def fileno(self) -> int:
        return -1

    def write(self, data: Any) -> None:
        self.changes += 1
        if self.aborted:
            return  # as asyncio's do
        super().write(data)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.changes += 1
            self._end_when_taken()

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            self._closing = True
            self.changes += 1
            self._end()

    def _end_when_taken(self) -> None:
        if self._closing and self.pending_bytes == 0:
            self._end()

    def _end(self) -> None:
        if not self._ending:
            self._ending = True
            self._loop.call_soon(self._lose)

    _ending = False

    def pause_reading(self) -> None:
        if not self._reading:
            self.faults.append("pause_reading twice")
        super().pause_reading()

    def resume_reading(self) -> None:
        if self._reading:
            self.faults.append("resume_reading twice")
        super().resume_reading()


@dataclass
class Answer:
    """What a client made of its bytes."""

    status: int
    number: int | None
    closes: bool
    body: bytes
    whole: bool
    by_length: bool
    """Whole is what has the length that its head tells."""


_STATUS = re.compile(rb"HTTP/1\.1 ([1-9][0-9][0-9]) [ -~]*")


def answers_of(raw: bytes, asked: Sequence[Asked], to_the_end: bool) -> list[Answer]:
    """The answers in these bytes. Raises AssertionError on what is no answer. The last one may be cut off."""
    answers: list[Answer] = []
    at = 0
    while at < len(raw):
        head_end = raw.find(b"\r\n\r\n", at)
        if head_end < 0:
            break
        status_line, *lines = raw[at:head_end].split(b"\r\n")
        match = _STATUS.fullmatch(status_line)
        assert match is not None, f"no status line: {status_line!r}"
        status = int(match[1])
        fields = {}
        for line in lines:
            name, colon, value = line.partition(b": ")
            assert colon and name == name.lower() and name not in fields, f"header line {line!r}"
            fields[name] = value
        at = head_end + 4
        if status < 200:
            assert status in (100, 103), status
            continue
        assert not answers or not answers[-1].closes, "an answer behind the last"
        method = asked[len(answers)].method if len(answers) < len(asked) else "GET"
        body, size, whole = _body_of(raw[at:], fields, method, status, to_the_end)
        at += size
        number = int(fields[b"x-number"]) if b"x-number" in fields else None
        closes = fields.get(b"connection") == b"close"
        answers.append(Answer(status, number, closes, body, whole, b"content-length" in fields))
        if not whole:
            break
    return answers


def _body_of(
    rest: bytes, fields: dict[bytes, bytes], method: str, status: int, to_the_end: bool
) -> tuple[bytes, int, bool]:
    """The body, how many bytes it took, and whether it is whole."""
    if method == "HEAD" or status in (204, 304):
        return b"", 0, True
    if b"content-length" in fields:
        length = int(fields[b"content-length"])
        assert b"transfer-encoding" not in fields
        return rest[:length], min(length, len(rest)), len(rest) >= length
    if b"transfer-encoding" not in fields:
        assert fields.get(b"connection") == b"close"
        return rest, len(rest), to_the_end
    body, at = bytearray(), 0
    while True:
        line_end = rest.find(b"\r\n", at)
        if line_end < 0:
            return bytes(body), len(rest), False
        size = int(rest[at:line_end], 16)
        at = line_end + 2
        body += rest[at : at + size]
        if len(rest) < at + size + 2:
            return bytes(body), len(rest), False
        assert rest[at + size : at + size + 2] == b"\r\n", "no line end behind a chunk"
        at += size + 2
        if size == 0:
            return bytes(body), at, True


class Client:
    """One connection, with what is to be sent over it."""

    def __init__(self, transport: StormTransport, asked: list[Asked], tail: bytes) -> None:
        self.transport = transport
        self.asked = asked
        self.tail = tail
        """Behind the last request: nothing, or what is none."""
        self._unsent = b"".join(one.wire for one in asked) + tail

    def __str__(self) -> str:
        transport = self.transport
        words = [
            word
            for word in ("lost", "aborted", "broken", "eof_sent", "shut_down", "heard_eof")
            if getattr(transport, word)
        ]
        asked = "\n    ".join(
            f"{one.number} {one.wire[:99]!r}... calls={one.calls} running={one.running} {one.steps}"
            for one in self.asked
        )
        return (
            f"{words} reading={transport.open_to_read} unsent={len(self._unsent)} "
            f"inbox={len(transport.inbox)} pending={transport.pending_bytes} tail={self.tail!r} "
            f"got={bytes(transport.got[-200:])!r}\n    {asked}"
        )

    def send(self, size: int) -> None:
        piece, self._unsent = self._unsent[:size], self._unsent[size:]
        if piece and not self.transport.shut_down:
            self.transport.inbox += piece
            self.transport.changes += 1

    @property
    def has_sent_all(self) -> bool:
        return not self._unsent and not self.transport.inbox
