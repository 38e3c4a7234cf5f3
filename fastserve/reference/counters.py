"""What has been served so far, in numbers?"""

from __future__ import annotations

import bisect
import math
import time
from collections import Counter
from typing import Any

from fastserve.reference.seam import Observer, Request, Sink

__all__ = ["Counters"]

#: Of RFC 9110, 9, and RFC 5789: what else clients send must not grow a table.
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
#: Upper bounds of the buckets of the histogram of durations, in seconds.
_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, math.inf)


class Counters(Observer):
    """Counts the answers that end; the endpoint has to be timed."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._durations = [0] * len(_BOUNDS_S)
        self._duration_s = 0.0
        self._bytes_received = 0
        self._bytes_sent = 0

    def stream_ended(self, request: Request, sink: Sink) -> None:
        method = request.method if request.method in _METHODS else "OTHER"
        took_s = time.monotonic() - sink.began_s if sink.began_s else 0.0
        self._requests[f"{method} {sink.status}"] += 1
        self._durations[bisect.bisect_left(_BOUNDS_S, took_s)] += 1
        self._duration_s += took_s
        self._bytes_received += sink.bytes_received
        self._bytes_sent += sink.bytes_sent

    def snapshot(self) -> dict[str, Any]:
        """The numbers so far, in what JSON can hold, so that those of several processes can be added up.

        ``requests``: by ``"METHOD STATUS"``. ``durations``: how many fell into which bucket, by its upper
        bound in seconds; ``duration_s``: their sum. ``bytes_received`` and ``bytes_sent``: of bodies.
        """
        names = [str(bound_s) if bound_s < math.inf else "+Inf" for bound_s in _BOUNDS_S]
        return {
            "requests": dict(self._requests),
            "durations": dict(zip(names, self._durations, strict=True)),
            "duration_s": self._duration_s,
            "bytes_received": self._bytes_received,
            "bytes_sent": self._bytes_sent,
        }
