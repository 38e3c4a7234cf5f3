"""Which requests took long, and where did their time go?"""

from __future__ import annotations

import time
from collections.abc import Callable

from fastserve.reference.seam import Observer, Request, Sink

__all__ = ["SlowRequests"]


class SlowRequests(Observer):
    """Calls `tell` for each request that took `threshold_s` or longer; the endpoint has to be timed.

    It is called with the request, the answer's status, and seconds: in all, in the application's own steps,
    waiting for the request's body, waiting for the client; the last three are 0 where the driver does not
    note them.
    """

    def __init__(
        self, threshold_s: float, tell: Callable[[Request, int, float, float, float, float], None]
    ) -> None:
        self._threshold_s = threshold_s
        self._tell = tell

    def stream_ended(self, request: Request, sink: Sink) -> None:
        now_s = time.monotonic()
        took_s = now_s - sink.began_s
        if sink.began_s and took_s >= self._threshold_s:
            ran_s = sink.ran_s + (now_s - sink.step_began_s if sink.step_began_s else 0.0)
            self._tell(request, sink.status, took_s, ran_s, sink.body_wait_s, sink.client_wait_s)
