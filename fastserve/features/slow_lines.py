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
    """Writes them.

    :param has_split: whether the driver notes where the time goes
    :param interface: of the application; one that is not "wsgi" suspends itself
    :param has_threads: whether requests may wait for a thread
    """

    def __init__(self, logger: logging.Logger, has_split: bool, interface: str, has_threads: bool) -> None:
        self._logger = logger
        self._has_split = has_split
        self._rest = "waiting for the event loop" if interface == "wsgi" else "suspended"
        self._has_threads = has_threads
        self._left = float(_AT_ONCE)
        self._at_s = time.monotonic()
        self._left_out = 0

    def tell(
        self,
        request: Any,
        status: int,
        took_s: float,
        thread_s: float,
        body_s: float,
        ran_s: float,
        cpu_s: float,
        client_s: float,
    ) -> None:
        if not self._may_write():
            return
        parts = ""
        if self._has_split:
            # One task may wait for the client while another runs: the rest may be less than 0.
            rest_s = max(0.0, took_s - thread_s - body_s - ran_s - client_s)
            thread = f" {_ms(thread_s)} waiting for a thread," if self._has_threads else ""
            parts = (
                f":{thread} {_ms(body_s)} waiting for its body, "
                f"{_ms(ran_s)} in the application ({_ms(cpu_s)} of them on the CPU), "
                f"{_ms(rest_s)} {self._rest}, {_ms(client_s)} waiting for the client"
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
