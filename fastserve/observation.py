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

__all__ = ["request_ids", "slow_requests", "watch_loop", "working"]

#: `blocked_loop_ms`, if nobody gives it.
_WHILE_WRITING_MS, _IN_PRODUCTION_MS = 100, 1000


def request_ids(config: Config, core: Core, inner: Any) -> Any:
    """Return the filter of requests: `inner`, or one that also names them."""
    if not config.request_id:
        return inner
    from fastserve.features.trust import TrustedPeers

    return core.part("RequestIds")(TrustedPeers(config.trusted_proxies), inner)


def slow_requests(config: Config, core: Core, driver: Any) -> Any:
    """Return the observer that tells of slow requests, None if nobody wants it.

    It needs a timed endpoint.
    """
    if not config.slow_request_ms:
        return None
    from fastserve.features.slow_lines import SlowLines

    has_split = hasattr(driver, "timed")  # but for WSGI in plain Python
    if has_split:
        driver.timed = True
    lines = SlowLines(logger, has_split, config.interface, hasattr(driver, "pool"))
    return core.part("SlowRequests")(config.slow_request_ms / 1000, lines.tell)


def working(driver: Any, loop_thread: int) -> list[dict[str, Any]]:
    """Return the requests that this driver of the application works on; for any thread."""
    if not hasattr(driver, "working"):
        return []
    from fastserve.features.in_flight import requests_in_flight

    return requests_in_flight(driver, loop_thread)


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
    marks = hasattr(driver, "set_watch")  # WSGI's threads have none: they do not hold the loop
    stepping = driver.stepping if marks else lambda: None
    interface = "wsgi" if config.interface == "wsgi" else "asgi"
    blocked_loop = BlockedLoop(loop, watch, stepping, count, logger, interface)
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
