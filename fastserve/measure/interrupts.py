"""When does Ctrl-C count? Not while a server is being started or stopped: none may be left behind."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class Interrupts:
    """SIGINT and SIGTERM as `KeyboardInterrupt`, which waits while they are held."""

    def __init__(self) -> None:
        self._held = False
        self._pending = False

    def install(self) -> None:
        """Take both signals over, for the whole run."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._arrived)

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if self._held:
            self._pending = True
        else:
            raise KeyboardInterrupt

    def _set(self, held: bool) -> None:
        self._held = held
        if self._pending and not held:
            self._pending = False
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold them during the block; one that came raises at its end."""
        self._held = True
        try:
            yield
        finally:
            self._set(held=False)

    @contextlib.contextmanager
    def released(self) -> Iterator[None]:
        """Let them through during the block, inside a block that holds them."""
        self._set(held=False)
        try:
            yield
        finally:
            self._held = True


interrupts = Interrupts()
