"""What do the requests of one WSGI application share?

Two drivers are made of this one: threaded.py hands requests to threads, inline.py serves them in the loop's.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from fastserve.reference.seam import Driver
from fastserve.reference.wsgi.environ import EnvironMaker
from fastserve.reference.wsgi.response import Application

__all__ = ["WSGIDriver"]


class WSGIDriver(Driver):
    """Runs a WSGI application; every request runs in a copy of `context`.

    `limits` has the attributes ``wsgi_...`` of the option group "wsgi", `root_path`, `root_path_stripped`,
    `read_buffer_bytes_max` and `write_buffer_bytes_max`.
    """

    def __init__(
        self, app: Application, loop: asyncio.AbstractEventLoop, context: contextvars.Context, limits: Any
    ) -> None:
        self.app = app
        self.loop = loop
        self.context = context
        self.limits = limits
        self.environs = EnvironMaker(
            limits.root_path, limits.root_path_stripped, limits.wsgi_threads > 1, limits.processes > 1
        )
        self._running = 0
        self._idle_waiters: list[asyncio.Future[None]] = []

    def in_flight(self) -> int:
        return self._running

    def request_began(self) -> None:
        self._running += 1

    def request_ended(self) -> None:
        self._running -= 1
        if self._running == 0:
            waiters, self._idle_waiters = self._idle_waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def when_idle(self) -> asyncio.Future[None]:
        waiter = self.loop.create_future()
        if self._running:
            self._idle_waiters.append(waiter)
        else:
            waiter.set_result(None)
        return waiter
