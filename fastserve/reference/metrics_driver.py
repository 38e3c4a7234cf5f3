"""Who answers those that collect metrics? (`metrics`)

A driver before the application's, as for the server's health: the application knows nothing of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastserve.reference.seam import Driver, Request, Sink, Stream

__all__ = ["MetricsDriver"]

#: Is called with the request's Accept field, or "", and with what takes the page and its content type, on the
#: loop, then or later.
Page = Callable[[str, Callable[[bytes, str], None]], None]


class MetricsDriver(Driver):
    """Answers for `path` with a page of numbers; other requests are the inner driver's."""

    def __init__(self, inner: Driver, path: str, page: Page) -> None:
        self._inner = inner
        self._path = path
        self._page = page

    def open(self, request: Request, sink: Sink) -> Stream:
        if request.path != self._path or request.method not in ("GET", "HEAD"):
            return self._inner.open(request, sink)
        return MetricsAnswer(request, sink, self._page)

    def in_flight(self) -> int:
        return self._inner.in_flight()

    def cancel_all(self) -> int:
        return self._inner.cancel_all()

    def when_idle(self) -> asyncio.Future[None]:
        return self._inner.when_idle()

    def close(self) -> None:
        self._inner.close()


class MetricsAnswer(Stream):
    """A request that is answered as soon as the page is there; a body is of no interest."""

    def __init__(self, request: Request, sink: Sink, page: Page) -> None:
        self._request = request
        self._sink: Sink | None = sink
        self._page = page

    def push_body(self, data: bytes) -> None:
        pass

    def end_body(self) -> None:
        pass

    def disconnect(self) -> None:
        self._sink = None

    def start(self) -> None:
        self.started = True
        accept = next((value for name, value in self._request.headers if name == b"accept"), b"")
        self._page(accept.decode("latin-1"), self.answer)

    def answer(self, body: bytes, kind: str) -> None:
        """What takes the page."""
        sink, self._sink = self._sink, None
        if sink is None:
            return
        headers = [
            (b"content-type", kind.encode("ascii")),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        sink.send_head(200, headers)
        sink.send_data(body, False)
