"""Which requests took long, and where did their time go?"""

from __future__ import annotations

import time
from collections.abc import Callable

from fastserve.reference.seam import Observer, Request, Sink

__all__ = ["SlowRequests"]


class SlowRequests(Observer):
    """Calls `tell` for each request that took `threshold_s` or longer; the endpoint has to be timed.

    It is called with the request, the answer's status, and seconds: in all, waiting for a thread, waiting for
    the request's body, in the application's own code, of that on a processor, waiting for the client; all but
    the first are 0 where the driver does not note them.
    """

    def __init__(self, threshold_s: float, tell: Callable[..., None]) -> None:
        self._threshold_s = threshold_s
        self._tell = tell

    def stream_ended(self, request: Request, sink: Sink) -> None:
        took_s = time.monotonic() - sink.began_s
        if sink.began_s and took_s >= self._threshold_s:
            ran_s, cpu_s = sink.ran_s, sink.cpu_s
            if sink.step_began_s:
                ran_s += time.monotonic() - sink.step_began_s
                cpu_s += time.thread_time() - sink.step_began_cpu_s
            self._tell(
                request,
                sink.status,
                took_s,
                0.0,
                sink.body_wait_s,
                ran_s,
                min(cpu_s, ran_s),
                sink.client_wait_s,
            )
