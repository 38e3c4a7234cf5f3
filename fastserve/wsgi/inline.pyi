import asyncio
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

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
    def cancel_all(self) -> int: ...

class InlineStream(Response):
    """One request in the loop's thread."""

    def proceed(self, future: asyncio.Future[None] | None = None) -> None:
        """Ask the application for its next block."""
