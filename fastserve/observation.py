"""Who watches a server at work?

What the options of group "observation" ask for is put together here, so that `server.py` only has to begin
and to end it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from fastserve.errors import StartupError
from fastserve.log import logger

if TYPE_CHECKING:
    import asyncio
    import socket

    from fastserve.config import Config
    from fastserve.core import Core

__all__ = ["Metrics", "request_ids", "watch_loop"]

#: `blocked_loop_ms`, if nobody gives it.
_WHILE_WRITING_MS, _IN_PRODUCTION_MS = 100, 1000


def request_ids(config: Config, core: Core, inner: Any) -> Any:
    """Return the filter of requests: `inner`, or one that also names them. Raises StartupError."""
    if not config.request_id:
        return inner
    from fastserve.features.trust import TrustedPeers

    return core.part_for("request_id", "RequestIds")(TrustedPeers(config.trusted_proxies), inner)


class Metrics:
    """Counts what one process serves, and answers for it on a path. `counters` observes the requests."""

    def __init__(self, core: Core, path: str) -> None:
        from fastserve.features.loop_lag import LoopLag

        try:
            from fastserve.metrics import page_of
        except ModuleNotFoundError:
            raise StartupError(
                "--metrics needs prometheus-client: pip install 'fastserve[metrics]'."
            ) from None
        self.counters = core.part_for("metrics", "Counters")()
        self._driver = core.part_for("metrics", "MetricsDriver")
        self._lag = LoopLag()
        self._path = path
        self._page = page_of(self.snapshot)
        self._endpoint: Any = None
        self._watch: Any = None

    def before(self, driver: Any) -> Any:
        """Return a driver that answers for the path, and leaves other requests to this one."""
        return self._driver(driver, self._path, self._page)

    def start(self, endpoint: Any, watch: Any) -> None:
        """Begin, once the server listens; `watch` is what `watch_loop` has returned."""
        self._endpoint, self._watch = endpoint, watch
        self._lag.start()

    def close(self) -> None:
        self._lag.close()

    def snapshot(self) -> dict[str, Any]:
        """All numbers, in what JSON can hold."""
        return {
            **self.counters.snapshot(),
            **self._lag.snapshot(),
            "connections": self._endpoint.connections,
            "in_flight": self._endpoint.requests_in_flight,
            "holds": self._watch.holds if self._watch is not None else 0,
            "held_s": self._watch.held_s if self._watch is not None else 0.0,
        }


def watch_loop(
    config: Config,
    loop: asyncio.AbstractEventLoop,
    driver: Any,
    endpoint: Any,
    sockets: Iterable[socket.socket],
) -> Any:
    """Return what watches for code that holds the event loop, at work; None if nobody wants that.

    On the loop's thread. It has `close()`. Without the extension modules there is none, unless somebody asked
    for it. Raises StartupError.
    """
    threshold_ms = config.blocked_loop_ms
    if threshold_ms is None:
        threshold_ms = _WHILE_WRITING_MS if config.reload else _IN_PRODUCTION_MS
    if threshold_ms == 0:
        return None
    from fastserve.features.waiting import waiting

    try:
        from fastserve.features.blocked_loop import BlockedLoop
        from fastserve.loop_watch import LoopWatch
    except ModuleNotFoundError as error:  # nothing was compiled
        if config.blocked_loop_ms is None:
            return None
        raise StartupError(f"Cannot watch the event loop (--blocked-loop-ms): {error}") from None

    watch = LoopWatch(threshold_ms / 1000)
    count = partial(_waiting, waiting, endpoint, list(sockets))
    marks = hasattr(driver, "set_watch")  # the extension modules' for ASGI has
    blocked_loop = BlockedLoop(loop, watch, driver.stepping if marks else lambda: None, count, logger)
    try:
        blocked_loop.start()
    except (OSError, RuntimeError) as error:  # no thread, no file descriptor
        raise StartupError(f"Cannot watch the event loop (--blocked-loop-ms): {error}") from None
    if marks:
        driver.set_watch(watch)
    for observer in endpoint.observers:
        if hasattr(observer, "set_watch"):
            observer.set_watch(watch)
    return blocked_loop


def _waiting(waiting: Any, endpoint: Any, sockets: list[socket.socket]) -> int:
    return int(waiting(list(endpoint.peers), sockets))
