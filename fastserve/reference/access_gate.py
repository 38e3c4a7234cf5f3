"""Which requests are logged?"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Any

from fastserve.reference.seam import Ended, Observer, Request, Sink

__all__ = ["AccessGate"]


class AccessGate(Observer):
    """Lets through what shall be logged. What has failed (5xx) always is, unless its path is excluded.

    `log` writes the lines. `excluded` are paths, or beginnings of paths that end in ``*``; `sample` is the
    share of the requests that is logged, from 0 to 1; with `slow_s`, only those are that took so long, which
    needs a timed endpoint.
    """

    def __init__(
        self, log: Any, excluded: Iterable[str] = (), sample: float = 1.0, slow_s: float = 0.0
    ) -> None:
        paths = list(excluded)
        self._log = log
        self._paths = {path for path in paths if not path.endswith("*")}
        self._prefixes = tuple(path[:-1] for path in paths if path.endswith("*"))
        self._sample = sample
        self._slow_s = slow_s

    def stream_ended(self, request: Request, sink: Sink) -> None:
        if self._is_excluded(request.path):
            return
        is_quick = self._slow_s > 0 and time.monotonic() - sink.began_s < self._slow_s
        if sink.status >= 500 or not (is_quick or self._is_left_out()):
            self._log.stream_ended(request, sink)

    def session_ended(self, request: Request, session: Ended) -> None:
        """A WebSocket that lasts is not slow: where only what is slow is logged, it is not."""
        if not (self._slow_s > 0 or self._is_excluded(request.path) or self._is_left_out()):
            self._log.session_ended(request, session)

    def _is_excluded(self, path: str) -> bool:
        return path in self._paths or path.startswith(self._prefixes)

    def _is_left_out(self) -> bool:
        """By the sample."""
        return self._sample < 1 and random.random() >= self._sample

    def set_watch(self, watch: Any) -> None:
        """The log's own, if it has one."""
        if hasattr(self._log, "set_watch"):
            self._log.set_watch(watch)

    def flush(self) -> None:
        """Writes the lines that wait."""
        self._log.flush()

    def reopen(self) -> None:
        """The log's own."""
        self._log.reopen()

    def close(self) -> None:
        """The log's own."""
        self._log.close()
