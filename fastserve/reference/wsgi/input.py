"""How does a WSGI application read a body that is still arriving? (PEP 3333, "Input and Error Streams")

The loop's thread pushes what arrives; the application's thread takes it, and waits for more. Lines, iteration
and reading up to a size are those of Python's own `io.BufferedReader` around what stands here.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

from fastserve.reference.seam import ClientDisconnected

__all__ = ["BodyReader"]


class BodyReader(io.RawIOBase):
    """What ``wsgi.input`` reads from. Raises ClientDisconnected where the body will never be complete.

    Above `held_bytes_max` it `is_full`, and the caller of `push` stops the client. `ask` is called in the
    application's thread: it waits for the body, or there is room again.
    """

    def __init__(self, held_bytes_max: int, ask: Callable[[], None]) -> None:
        self._held_bytes_max = held_bytes_max
        self._ask = ask
        self._parts = bytearray()
        self._changed = threading.Condition()
        self._ended = False
        self._lost = False
        self.is_full = False
        self.is_waited_for = False

    # ---- the loop's thread ----

    def push(self, data: bytes) -> None:
        with self._changed:
            self._parts += data
            self.is_full = self.is_full or len(self._parts) > self._held_bytes_max
            self._changed.notify()

    def end(self) -> None:
        """The body is complete."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def lose(self) -> None:
        """No more of it will come."""
        with self._changed:
            self._lost = not self._ended
            self._changed.notify()

    # ---- the application's thread ----

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what is there, and wait where that is nothing. 0: the body has ended."""
        with self._changed:
            if not self._parts and not self._ended:
                self._wait()
            size = min(len(buffer), len(self._parts))
            buffer[:size] = self._parts[:size]
            del self._parts[:size]
            has_room_again = self.is_full and len(self._parts) <= self._held_bytes_max // 2
            if has_room_again:
                self.is_full = False
        if has_room_again:
            self._ask()
        return size

    def _wait(self) -> None:
        self._ask()
        self.is_waited_for = True
        try:
            while not (self._parts or self._ended):
                if self._lost:
                    raise ClientDisconnected(
                        "the client went away, or was refused, before its body was complete"
                    )
                self._changed.wait()
        finally:
            self.is_waited_for = False
