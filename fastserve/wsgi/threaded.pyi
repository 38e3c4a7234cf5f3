import asyncio
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

from fastserve.stream.request import Request
from fastserve.wsgi.driver import WSGIDriver
from fastserve.wsgi.input import Input
from fastserve.wsgi.pool import Job, Pool

class ThreadedDriver(WSGIDriver):
    """Runs a WSGI application in threads."""

    @property
    def pool(self) -> Pool: ...
    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        loop: asyncio.AbstractEventLoop,
        context: Context,
        limits: Any,
    ) -> None: ...
    def take_posts(self) -> None:
        """Do what the threads have asked for. The loop calls it."""
    def look_at_threads(self) -> None:
        """Tell of those that the server has not heard of for too long. The loop's timer calls it."""
    def working(self) -> list[tuple[Request, float, str, int | None]]:
        """What the threads are doing, as any other may ask.

        ``(request, began_s, doing, thread's identifier)`` of each request that one of them works on, or
        will. ``doing`` is ``runs``, ``waits for its client`` or, without an identifier,
        ``waits for a thread``.
        """
    def cancel_all(self) -> int: ...
    def close(self) -> int: ...

class ThreadedStream(Job):
    """One request, its body and its answer on their way between two threads."""

    def resume_writing(self, future: asyncio.Future[None]) -> None:
        """The client has caught up, or is gone."""

class ThreadInput(Input):
    """`wsgi.input` of a request in a thread."""
