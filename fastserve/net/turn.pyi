import asyncio

from typing_extensions import Self

from fastserve.stream.stream import Driver

class Reader:
    """Has bytes to work off at the end of a turn."""

    @property
    def is_reader(self) -> bool: ...

class Writer:
    """Has bytes to write at the end of a turn."""

class Turn:
    """What one event loop does with all its connections at the end of a turn."""

    @property
    def loop(self) -> asyncio.AbstractEventLoop: ...
    @property
    def writelines_pauses(self) -> bool:
        """Whether a transport's writelines tells the protocol to pause."""

    def __new__(cls, loop: asyncio.AbstractEventLoop, driver: Driver) -> Self: ...
    def run(self) -> None:
        """The loop calls it once in a turn that read or wrote anything."""
