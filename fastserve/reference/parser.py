"""What does a connection ask of a parser?

Two answer it: llhttp_parser.py and h11_parser.py. A parser is given bytes with `receive` and asked for
`next_event` until it needs more. It never looks beyond the end of a message before it is asked to: what is
`unread` are the requests behind the one in hand. It holds a message to the limits by the place of a byte, not
by the read that brought it, so that no answer depends on where the network cut.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol

from fastserve.reference.rules import BadMessage, Head

__all__ = ["Data", "End", "Event", "Limits", "Meter", "Parser"]


@dataclass
class Data:
    """A part of the body."""

    data: bytes


class End:
    """The end of a body."""


Event = Head | Data | End


class Limits(Protocol):
    """The options that bound what a parser holds; in bytes, but for `header_count_max`."""

    request_line_bytes_max: int
    header_bytes_max: int
    header_count_max: int
    chunk_extension_bytes_max: int


class Parser(ABC):
    """One connection's bytes, as messages. `in_body` is true between a head that has a body and its `End`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_body = False

    @abstractmethod
    def receive(self, data: bytes) -> None: ...

    @abstractmethod
    def next_event(self) -> Event | None:
        """Return the next event; None: more bytes are needed. Raises BadMessage, and then every time."""

    @property
    @abstractmethod
    def unread(self) -> int:
        """Bytes that no event was made of yet, and that may make one without more of them."""

    @abstractmethod
    def take_unread(self) -> bytes:
        """The bytes behind a message that is no longer followed by one."""

    @property
    @abstractmethod
    def head_begun(self) -> bool:
        """Whether a part of a head has come. Empty lines are none: some clients send one behind a body."""


class Meter:
    """How long may this message still be? Told of each part's place, it raises BadMessage at the limit.

    Places count from the first byte of a head; of a trailer section; of a chunk's line.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._target_end: int | None = None
        self._fields = 0

    def end_target(self, end: int) -> None:
        """The request target reaches so far."""
        self._target_end = end
        if end > self._limits.request_line_bytes_max:
            raise BadMessage(414, "request target too long")

    def begin_field(self, part: str) -> None:
        """Another field of the head, or of the trailer."""
        if self._fields >= self._limits.header_count_max:
            raise BadMessage(431, f"too many {'trailer' if part == 'trailer' else 'header'} fields")
        self._fields += 1

    def head(self, end: int, in_target: bool = False) -> None:
        """The head reaches so far: the request line to the end of its target, then the header section."""
        if self._target_end is None or in_target:
            if end > self._limits.request_line_bytes_max:
                raise BadMessage(414, "request line too long")
        elif end - self._target_end > self._limits.header_bytes_max:
            raise BadMessage(431, "header section too large")

    def trailer(self, end: int) -> None:
        if end > self._limits.header_bytes_max:
            raise BadMessage(431, "trailer section too large")

    def chunk_size(self, digits: int) -> None:
        if digits > 16:  # of 64 bits; nothing else bounds leading zeros
            raise BadMessage(400, "chunk size too long")

    def chunk_extension(self, size: int) -> None:
        """From its semicolon to the end of the line, which is granted as well."""
        if size > self._limits.chunk_extension_bytes_max + 2:
            raise BadMessage(400, "chunk extension too long")
