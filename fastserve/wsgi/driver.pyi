import asyncio
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

from fastserve.stream.stream import Driver

_Application = Callable[..., Iterable[bytes]]

class WSGIDriver(Driver):
    """Runs a WSGI application, each request in a copy of `context`."""

    def __init__(
        self, app: _Application, loop: asyncio.AbstractEventLoop, context: Context, limits: Any
    ) -> None: ...
    timed: bool
    def in_flight(self) -> int: ...
