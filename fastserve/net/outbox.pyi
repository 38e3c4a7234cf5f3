import asyncio

from typing_extensions import Self

from fastserve.net.turn import Turn, Writer

class Bypass:
    """What writes to an outbox's connection, and not through its transport."""

    @property
    def left(self) -> int:
        """How much it has still to write, in bytes."""

class Outbox(Writer):
    """The write side of one connection; `bytes_max` is its high-water mark."""

    @property
    def paused(self) -> bool:
        """Whether the transport holds more than its high-water mark."""

    @property
    def closed(self) -> bool: ...
    def __new__(cls, transport: asyncio.Transport, turn: Turn, bytes_max: int) -> Self: ...
