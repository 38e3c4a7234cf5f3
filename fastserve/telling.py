"""How do the numbers of a server that has no parent process leave it?

Where there is a supervisor, it tells them for all of its workers. A server in somebody's own event loop opens
the address of `metrics` itself, and sends to `statsd`: not while something holds the loop, of course.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastserve.address import parsed
from fastserve.log import logger
from fastserve.sockets import bind_address
from fastserve.statsd import SEND_INTERVAL_S, StatsD
from fastserve.supervisor.pages import Pages, metrics_page
from fastserve.tally import Numbers

if TYPE_CHECKING:
    from fastserve.config import Config

__all__ = ["Telling"]


class Telling:
    """Answers and sends, in the running loop, from `start()` to `close()`."""

    def __init__(self, config: Config, numbers: Callable[[], Numbers]) -> None:
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._numbers = numbers
        self._pages: Pages | None = None
        self._statsd: StatsD | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin. Raises StartupError; what stands then, `close()` takes down."""
        config = self._config
        if config.statsd is not None:
            host, _, port = parsed(config.statsd)[1].rpartition(":")
            self._statsd = StatsD(host, int(port))
            self._timer = self._loop.call_later(SEND_INTERVAL_S, self._send)
        if config.metrics_address is not None:
            page = metrics_page(self._numbers)
            binding = bind_address(config, config.metrics_address, "http")
            self._pages = Pages(binding, page, self._watch, self._forget)
            logger.info("Metrics are on %s, at /metrics", binding.address)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._statsd is not None:
            self._statsd.send(self._numbers())
            self._statsd.close()
        if self._pages is not None:
            self._pages.close()

    def _send(self) -> None:
        assert self._statsd is not None
        self._statsd.send(self._numbers())
        self._timer = self._loop.call_later(SEND_INTERVAL_S, self._send)

    def _watch(self, sock: Any, callback: Callable[[], None], event: int) -> None:
        add = self._loop.add_reader if event == selectors.EVENT_READ else self._loop.add_writer
        add(sock, callback)

    def _forget(self, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)
