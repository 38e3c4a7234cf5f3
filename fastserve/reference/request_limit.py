"""How many requests are left? (`limit_max_requests`: for applications that leak)"""

from __future__ import annotations

from collections.abc import Callable

from fastserve.reference.seam import Observer, Request, Sink

__all__ = ["RequestLimit"]


class RequestLimit(Observer):
    """Counts the answers that end, and calls `reached` once, at the last one of `count`."""

    def __init__(self, count: int, reached: Callable[[], object]) -> None:
        self.left = count
        self._reached = reached

    def stream_ended(self, request: Request, sink: Sink) -> None:
        self.left -= 1
        if self.left == 0:
            self._reached()
