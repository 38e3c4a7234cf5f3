"""Where does what begin and end? Ask h11, behind a gate.

Every byte of a line passes `grammar.step` and the limits before h11 sees it; what is a body's goes straight
to h11. For each message h11 has a connection of its own, which never answers, so that it is at no time more
than a reader of that message. What a head says is read by `rules.judge` from its bytes: with h11 it only has
to agree about the framing.
"""

from __future__ import annotations

from typing import Any

import h11

from fastserve.reference import grammar
from fastserve.reference.parser import Data, End, Event, Limits, Meter, Parser
from fastserve.reference.rules import BadMessage, check_trailer_name, judge

__all__ = ["H11Parser"]

#: Our limits are the ones that count: h11 sees nothing that passes them.
_NO_LIMIT = 2**62


class H11Parser(Parser):
    """A parser that has h11 read what the grammar lets pass."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._buffer, self._at = b"", 0
        self._refusal: BadMessage | None = None
        self._begin_message()

    def _begin_message(self) -> None:
        self.in_body = False
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=_NO_LIMIT)
        self._chunked = False
        self._left = 0  # of a body with a length, or of a chunk
        self._begin_part("head", grammar.HEAD)

    def _begin_part(self, part: str, state: str = "") -> None:
        """Of head, line (that before a chunk's data), data, trailer and end."""
        self._part = part
        self._state = state
        self._meter = Meter(self.limits)
        self._place = 0  # of the next byte
        self._lines = bytearray()  # which h11 has not been told of yet
        self._name_at = 0  # where in them the last field's name began
        self._extension: int | None = None  # its place in a chunk's line

    def receive(self, data: bytes) -> None:
        self._buffer, self._at = self._buffer[self._at :] + data, 0

    @property
    def unread(self) -> int:
        return len(self._buffer) - self._at

    def take_unread(self) -> bytes:
        unread = self._buffer[self._at :]
        self._buffer, self._at = b"", 0
        return unread

    @property
    def head_begun(self) -> bool:
        return self._part == "head" and self._state != grammar.HEAD

    def next_event(self) -> Event | None:
        if self._refusal is not None:
            raise self._refusal
        try:
            while self.unread or self._part == "end":
                event = self._read_on()
                if event is not None:
                    return event
        except BadMessage as refusal:
            refusal.excerpt = bytes(self._lines[:64]) or self._buffer[self._at : self._at + 64]
            self._refusal = refusal
            raise
        return None

    def _read_on(self) -> Event | None:
        if self._part == "data":
            return self._read_data()
        if self._part == "end":
            self._tell(b"", h11.EndOfMessage)
            self._begin_message()
            return End()
        while self.unread and self._state not in (grammar.END, grammar.SIZED):
            self._read_line()
        if self._state == grammar.SIZED:
            self._end_line()
        elif self._state == grammar.END:
            return self._end_head() if self._part == "head" else self._end_trailer()
        return None

    def _tell(self, data: bytes, expected: type) -> Any:
        """Let h11 read, and hold it to what it should make of that. Raises BadMessage."""
        if data:
            self._h11.receive_data(data)
        try:
            event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise BadMessage(400, str(error)) from None
        if event is not expected and not isinstance(event, expected):
            raise BadMessage(400, "ambiguous message framing")
        return event

    # ---- lines ----

    def _read_line(self) -> None:
        """Bytes of a line up to a change of state: do they belong there, and are they within the limits?"""
        before = self._state
        end = grammar.run(before, self._buffer, self._at)
        if end == self._at:
            byte = self._buffer[self._at]
            if before == grammar.FIELD and byte != ord("\r"):
                self._meter.begin_field(self._part)
                self._name_at = len(self._lines)
            self._state = grammar.step(before, byte)
            end += 1
        self._lines += self._buffer[self._at : end]
        self._place += end - self._at
        self._at = end
        if self._part == "head":
            if self._state in grammar.OF_TARGET:
                self._meter.end_target(self._place)
            else:
                self._meter.head(self._place)
        elif self._part == "trailer":
            self._meter.trailer(self._place)
            if (before, self._state) == (grammar.NAME, grammar.VALUE):
                check_trailer_name(bytes(self._lines[self._name_at : -1]))
        else:
            self._check_chunk_line()

    def _check_chunk_line(self) -> None:
        if self._state == grammar.CHUNK:
            self._place = 0  # the end of the last chunk's data lies behind
        elif self._state == grammar.SIZE:
            self._meter.chunk_size(self._place)
        elif self._state == grammar.EXTENSION and self._extension is None:
            self._extension = self._place - 1
        if self._extension is not None:
            self._meter.chunk_extension(self._place - self._extension)

    def _end_head(self) -> Event:
        raw = bytes(self._lines)
        head = judge(raw)
        self._tell(raw.lstrip(b"\r\n"), h11.Request)
        self._chunked, self._left = head.chunked, head.content_length or 0
        if not head.has_body:
            self._tell(b"", h11.EndOfMessage)
            self._begin_message()
        else:
            self.in_body = True
            self._begin_part("line" if head.chunked else "data", grammar.CHUNK)
        return head

    def _end_line(self) -> None:
        self._left = int(bytes(self._lines).strip().partition(b";")[0], 16)
        line = bytes(self._lines)
        self._tell(line, h11.NEED_DATA)
        if self._left > 0:
            self._begin_part("data")
        else:
            self._begin_part("trailer", grammar.FIELD)

    def _end_trailer(self) -> Event:
        self._tell(bytes(self._lines), h11.EndOfMessage)
        self._begin_message()
        return End()

    # ---- data ----

    def _read_data(self) -> Event:
        data = self._buffer[self._at : self._at + self._left]
        self._at += len(data)
        self._left -= len(data)
        event: h11.Data = self._tell(data, h11.Data)
        if self._left == 0 and self._chunked:
            self._begin_part("line", grammar.DATA_END)
        elif self._left == 0:
            self._begin_part("end")
        return Data(bytes(event.data))
