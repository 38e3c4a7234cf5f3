"""How is it told that a request took long?

One line with where its time went, and not too many of them: what is slow is often slow for everybody.
"""

from __future__ import annotations

import logging
import time
from typing import Any

__all__ = ["SlowLines"]

#: So many lines at once, then one for so much time.
_AT_ONCE = 10
_INTERVAL_S = 1.0


class SlowLines:
    """Writes them. `has_split`: whether the driver notes where the time goes."""

    def __init__(self, logger: logging.Logger, has_split: bool) -> None:
        self._logger = logger
        self._has_split = has_split
        self._left = float(_AT_ONCE)
        self._at_s = time.monotonic()
        self._left_out = 0

    def tell(
        self, request: Any, status: int, took_s: float, ran_s: float, body_s: float, client_s: float
    ) -> None:
        if not self._may_write():
            return
        parts = ""
        if self._has_split:
            # What waits at the same time in several tasks counts for each: the rest may be less than 0.
            rest_s = max(0.0, took_s - ran_s - body_s - client_s)
            parts = (
                f": {_ms(body_s)} waiting for its body, {_ms(ran_s)} in the application, "
                f"{_ms(rest_s)} suspended, {_ms(client_s)} waiting for the client"
            )
        name = "" if request.request_id is None else f" (request {request.request_id})"
        left_out = f" ({self._left_out} such lines left out)" if self._left_out else ""
        self._left_out = 0
        path = request.path.encode("unicode_escape").decode("ascii")
        self._logger.warning(
            "%s %s took %s%s; status %d%s%s",
            request.method, path, _ms(took_s), parts, status, name, left_out,
        )  # fmt: skip

    def _may_write(self) -> bool:
        now_s = time.monotonic()
        self._left = min(_AT_ONCE, self._left + (now_s - self._at_s) / _INTERVAL_S)
        self._at_s = now_s
        if self._left < 1:
            self._left_out += 1
            return False
        self._left -= 1
        return True


def _ms(time_s: float) -> str:
    return f"{time_s * 1000:,.0f} ms"
