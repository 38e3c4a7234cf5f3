"""How late does the event loop come to what is due?

A timer that asks for nothing but to be called notes how late that is: so long waits whatever else is due.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from typing import Any

__all__ = ["LoopLag"]

_INTERVAL_S = 0.1
_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class LoopLag:
    """A histogram of the running loop's lateness, from `start()` to `close()`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._counts = [0] * (len(_BOUNDS_S) + 1)
        self._sum_s = 0.0
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._due_s = self._loop.time() + _INTERVAL_S
        self._timer = self._loop.call_at(self._due_s, self._called)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _called(self) -> None:
        late_s = max(0.0, self._loop.time() - self._due_s)
        self._counts[bisect_left(_BOUNDS_S, late_s)] += 1
        self._sum_s += late_s
        self.start()

    def snapshot(self) -> dict[str, Any]:
        """`lags` and `lag_s`, as `Counters` has those of durations."""
        bounds = (*map(str, _BOUNDS_S), "+Inf")
        return {"lags": dict(zip(bounds, self._counts, strict=True)), "lag_s": self._sum_s}
