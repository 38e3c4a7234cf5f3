import asyncio
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

from fastserve.loop_watch import LoopWatch
from fastserve.stream.request import Request
from fastserve.wsgi.driver import WSGIDriver
from fastserve.wsgi.response import Response

class InlineDriver(WSGIDriver):
    """Runs a WSGI application in the loop's thread."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        loop: asyncio.AbstractEventLoop,
        context: Context,
        limits: Any,
    ) -> None: ...
    def set_watch(self, watch: LoopWatch | None) -> None:
        """From now on this one hears of every step of the application; None: nobody does."""

    def stepping(self) -> Request | None:
        """The request whose application runs now, as another thread sees it; None if there is none."""

    def working(self) -> list[tuple[Request, float, str, None]]:
        """What the requests in hand are doing, as any thread may ask.

        ``(request, began_s, doing, None)`` of each. ``doing`` is one of ``runs``, ``suspended`` (it has its
        turn again soon) and ``waits for its client``.
        """

    def cancel_all(self) -> int: ...

class InlineStream(Response):
    """One request in the loop's thread."""

    def proceed(self, future: asyncio.Future[None] | None = None) -> None:
        """Ask the application for its next block."""
