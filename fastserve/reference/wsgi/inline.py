"""How is a WSGI request served in the loop's own thread? (``--wsgi-threads 0``)

The application may not wait for the client there, so it begins when its request is complete; between two
blocks of its answer the loop has a turn, a longer one where the client is slow.
"""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from fastserve.reference.seam import Request, Sink, Stream
from fastserve.reference.wsgi.driver import WSGIDriver
from fastserve.reference.wsgi.response import Call, Fields, Head, Outlet

__all__ = ["InlineDriver"]

logger = logging.getLogger("fastserve.error")

_END = object()


class InlineDriver(WSGIDriver):
    """Runs a WSGI application in the loop's thread. Parameters as WSGIDriver's."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.suspended: set[InlineStream] = set()

    def open(self, request: Request, sink: Sink) -> Stream:
        return InlineStream(self, request, sink)

    def cancel_all(self) -> int:
        streams = list(self.suspended)
        for stream in streams:
            stream.cancel()
        return len(streams)

    def close(self) -> None:
        """It holds nothing."""


class InlineStream(Stream, Outlet):
    """One request in the loop's thread."""

    def __init__(self, driver: InlineDriver, request: Request, sink: Sink) -> None:
        self._driver = driver
        self._request = request
        self._sink = sink
        self._body: IO[bytes] = io.BytesIO()
        self._body_ended = False
        self._context = driver.context.copy()
        self._steps: Iterator[None] | None = None  # of the call

    # ---- from the protocol ----

    def push_body(self, data: bytes) -> None:
        if self.over:
            return
        try:
            self._keep(data)
        except OSError as error:
            self.over = True
            logger.error("A request's body cannot be kept: %s", error)
            self._sink.send_error(500)

    def _keep(self, data: bytes) -> None:
        """In memory, or in a file that has no name."""
        limit = self._driver.limits.wsgi_body_memory_bytes_max
        if isinstance(self._body, io.BytesIO) and self._body.tell() + len(data) > limit:
            file = tempfile.TemporaryFile(prefix="fastserve-body-")  # noqa: SIM115
            file.write(self._body.getbuffer())
            self._body = file
        self._body.write(data)

    def end_body(self) -> None:
        self._body_ended = True
        if self.started:
            self._begin()

    def start(self) -> None:
        self.started = True
        if self._body_ended:
            self._begin()
        else:
            self._sink.body_wanted()

    def disconnect(self) -> None:
        if self._sink.disconnected or self._sink.finished:  # who has shut its side only is told its answer
            self.over = True
            self._proceed()

    # ---- the call ----

    def _begin(self) -> None:
        if not self.over:
            self._driver.request_began()
            self._body.seek(0)
            call = Call(self._driver.app, self._request, self)
            self._steps = call.run(
                self._driver.environs.make(self._request, self._body, call.early_hints)  # type: ignore[arg-type]
            )
            self._driver.suspended.add(self)
            self._proceed()

    def _proceed(self, _: object = None) -> None:
        """Ask the application for its next block, unless it is about to give one, or has ended."""
        if self not in self._driver.suspended or self._steps is None:
            return
        self._driver.suspended.discard(self)
        if self._context.run(next, self._steps, _END) is _END:
            self._steps = None
            self._driver.request_ended()
            return
        self._driver.suspended.add(self)
        if self._sink.writable():
            self._driver.loop.call_soon(self._proceed)
        else:
            self._sink.wait_writable().add_done_callback(self._proceed)

    def cancel(self) -> None:
        """The server ends, and does not wait for the answer."""
        self._sink.fail(503)
        self.over = True
        self._proceed()

    # ---- what the call hands over ----

    def give(self, head: Head | None, data: bytes, more: bool) -> None:
        if self._sink.finished:
            self.over = True
            return
        if head is not None:
            self._sink.send_head(*head)
        self._sink.send_data(data, more)

    def give_early_hints(self, fields: Fields) -> None:
        if not self._sink.finished:
            self._sink.send_informational(103, fields)

    def give_up(self) -> None:
        self._sink.fail(500)

    def wait_for_room(self) -> None:
        """Nobody waits in the loop's thread."""
