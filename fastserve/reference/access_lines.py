"""How does a request become a line of the user's own choice?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from fastserve.access_format import Answered
from fastserve.reference.access_log import AccessLog, File
from fastserve.reference.seam import Ended, Request, Sink

__all__ = ["AccessLines"]

_SWITCHING_PROTOCOLS = 101


class Watch(Protocol):
    """Who watches for code that holds the event loop; `fastserve.loop_watch.LoopWatch` is one."""

    def step_held_s(self) -> float: ...


class AccessLines(AccessLog):
    """Writes the line that `format` makes of each request, without its end. It must not raise.

    Where to, and what `prefix` is, as AccessLog has it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        format: Callable[[Answered], str],
        fd: int = 1,
        file: File | None = None,
        prefix: bytes = b"",
    ) -> None:
        super().__init__(loop, fd, False, file, prefix)
        self._format = format
        self._watch: Watch | None = None

    def set_watch(self, watch: Watch | None) -> None:
        """From now on lines can tell how long their request has held the event loop."""
        self._watch = watch

    def stream_ended(self, request: Request, sink: Sink) -> None:
        if sink.status == _SWITCHING_PROTOCOLS:
            return  # its line comes when that ends
        answered = Answered(
            request,
            sink.status,
            sink.bytes_sent,
            sink.bytes_received,
            duration_s=time.monotonic() - sink.began_s if sink.began_s else 0.0,
            first_byte_s=sink.first_byte_s - sink.began_s if sink.first_byte_s else None,
            held_s=self._watch.step_held_s() if self._watch is not None else 0.0,
            prefix=self._prefix,
        )
        self._put(self._format(answered))

    def session_ended(self, request: Request, session: Ended) -> None:
        answered = Answered(
            request,
            _SWITCHING_PROTOCOLS,
            session.bytes_sent,
            session.bytes_received,
            duration_s=time.monotonic() - session.began_s,
            prefix=self._prefix,
            close_code=session.close_code or None,
        )
        self._put(self._format(answered))
