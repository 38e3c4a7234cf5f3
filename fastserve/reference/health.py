"""How is the server? (`health_path`: for load balancers, orchestrators, people)

A driver before the application's: two paths are answered here, by the event loop that serves all others. So
an answer tells that it turns; a server whose loop is blocked does not answer at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fastserve.reference.seam import Driver, Request, Sink, Stream

__all__ = ["HealthDriver"]


class HealthDriver(Driver):
    """Answers for `live_path` by 200, for `ready_path`, if there is one, by 200 or 503."""

    def __init__(
        self, inner: Driver, live_path: str, ready_path: str | None, is_ready: Callable[[], bool]
    ) -> None:
        self._inner = inner
        self._live_path = live_path
        self._ready_path = ready_path
        self._is_ready = is_ready

    def open(self, request: Request, sink: Sink) -> Stream:
        asks_if_ready = request.path == self._ready_path
        if not (asks_if_ready or request.path == self._live_path) or request.method not in ("GET", "HEAD"):
            return self._inner.open(request, sink)
        return HealthAnswer(sink, not asks_if_ready or self._is_ready())

    def in_flight(self) -> int:
        return self._inner.in_flight()

    def cancel_all(self) -> int:
        return self._inner.cancel_all()

    def when_idle(self) -> asyncio.Future[None]:
        return self._inner.when_idle()

    def close(self) -> None:
        self._inner.close()


class HealthAnswer(Stream):
    """A request that is answered as soon as it is here; a body is of no interest."""

    def __init__(self, sink: Sink, good: bool) -> None:
        self._sink = sink
        self._good = good

    def push_body(self, data: bytes) -> None:
        pass

    def end_body(self) -> None:
        pass

    def disconnect(self) -> None:
        pass

    def start(self) -> None:
        self.started = True
        body = b"ok\n" if self._good else b"not ready\n"
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
        ]
        self._sink.send_head(200 if self._good else 503, headers)
        self._sink.send_data(body, False)
