"""Which numbers does a process keep, and who may see them?

Counted where it happens, put together when somebody asks: see `tally.py` for the form. A worker tells its
supervisor, which adds up; a process of its own has only its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastserve.core import Core
from fastserve.errors import StartupError
from fastserve.tally import Numbers

__all__ = ["LIMITS", "Measuring"]

_NEEDS = "--metrics needs prometheus-client: pip install 'fastserve[metrics]'."

#: Why a request is turned away (csrc, h1, net/endpoint), and the option that set the limit.
LIMITS: Mapping[str, str] = {
    "body too large": "body_bytes_max",
    "body not complete in time": "body_timeout_s",
    "chunk extension too long": "chunk_extension_bytes_max",
    "concurrency limit": "limit_concurrency",
    "head not complete in time": "head_timeout_s",
    "header section too large": "header_bytes_max",
    "request line too long": "request_line_bytes_max",
    "request target too long": "request_line_bytes_max",
    "too many header fields": "header_count_max",
    "too many trailer fields": "header_count_max",
    "trailer section too large": "header_bytes_max",
}

#: Gets the numbers, on the event loop, at once or later.
Taker = Callable[[Numbers], None]


class Measuring:
    """Counts what one process serves. `counters` observes the requests.

    `where` is the value of --metrics; if that is a path, it is answered in front of the application, with
    the numbers that `collect` hands to its argument. Raises StartupError.
    """

    def __init__(self, core: Core, where: str | None, collect: Callable[[Taker], None]) -> None:
        from fastserve.features.loop_lag import LoopLag

        self.counters = core.part("Counters")()
        self._driver = core.part("MetricsDriver")
        self._path = where if where is not None and where.startswith("/") else None
        self._collect = collect
        self._lag = LoopLag()
        self._endpoint: Any = None
        if self._path is not None:
            try:
                from fastserve.metrics import page
            except ModuleNotFoundError:
                raise StartupError(_NEEDS) from None
            self._page = page

    def before(self, driver: Any) -> Any:
        """Return a driver that answers for the path, if there is one, and leaves others to `driver`."""
        return driver if self._path is None else self._driver(driver, self._path, self._answer)

    def _answer(self, accept: str, answer: Callable[[bytes, str], None]) -> None:
        self._collect(lambda numbers: answer(*self._page(numbers, accept)))

    def start(self, endpoint: Any, watch: Any, threads: Any, intake: Any) -> None:
        """Begin, once the server listens. `watch` tells of blocked loops, or is None."""
        self._endpoint, self._watch, self._threads, self._intake = endpoint, watch, threads, intake
        self._lag.start()

    def close(self) -> None:
        self._lag.close()

    def snapshot(self) -> Numbers:
        """All numbers of this process; none before `start()`."""
        endpoint = self._endpoint
        if endpoint is None:
            return {}
        return {
            "total": {
                **self.counters.snapshot(),
                **self._lag.snapshot(),
                "holds": self._watch.holds if self._watch is not None else 0,
                "held_s": self._watch.held_s if self._watch is not None else 0.0,
                "refusals": dict(endpoint.refusals),
                "limits": self._limits(),
                "websockets": endpoint.upgraded,
            },
            "now": {
                "connections": endpoint.connections,
                "in_flight": endpoint.requests_in_flight,
                "websockets_open": endpoint.tunnels,
                **self._pools(),
            },
        }

    def _limits(self) -> dict[str, int]:
        """How often which limit was met."""
        endpoint = self._endpoint
        found = {"write_timeout_s": endpoint.stuck_clients, "file_descriptors": self._intake.pauses}
        for reason, count in endpoint.refusals.items():
            if reason in LIMITS:
                found[LIMITS[reason]] = found.get(LIMITS[reason], 0) + count
        pool = getattr(endpoint.driver, "pool", None)
        if pool is not None:
            found["wsgi_queue_max"] = pool.refused
        return {limit: count for limit, count in found.items() if count}

    def _pools(self) -> Numbers:
        """Of each pool: its threads, those in use, and the calls that wait for one."""
        pools = self._threads.pools()
        pool = getattr(self._endpoint.driver, "pool", None)
        if pool is not None:
            pools["wsgi"] = (len(pool.threads), pool.in_use, pool.queued)
        names = ("threads", "threads_in_use", "threads_waited_for")
        return {name: {pool: numbers[i] for pool, numbers in pools.items()} for i, name in enumerate(names)}
