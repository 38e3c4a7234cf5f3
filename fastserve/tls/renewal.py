"""When are new certificates picked up?

On SIGHUP (the server calls `reload`), and when the files change: they are looked at every `interval_s`, and
loaded once they have stayed the same for one interval, since a certificate and its key are replaced one after
the other. What cannot be loaded leaves the old credentials in use.
"""

from __future__ import annotations

import asyncio

from fastserve.errors import StartupError
from fastserve.log import logger
from fastserve.tls.credentials import Settings, load, stamp
from fastserve.tls.handshake import Listener

__all__ = ["Renewal"]


class Renewal:
    """Keeps a listener's credentials those of the files. An `interval_s` of 0 watches nothing."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, config: Settings, listener: Listener, interval_s: float
    ) -> None:
        self._loop = loop
        self._config = config
        self._listener = listener
        self._interval_s = interval_s
        self._loaded = self._last = listener.credentials.stamp
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Watch the files, if there are any: a context factory may do without."""
        if self._interval_s > 0 and self._loaded:
            self._timer = self._loop.call_later(self._interval_s, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def reload(self) -> None:
        """Load the credentials anew, changed or not."""
        self._loaded = stamp(self._config)
        try:
            self._listener.credentials = load(self._config)
        except StartupError as error:
            logger.error("The TLS certificates in use stay, as the new ones cannot be loaded: %s", error)
        else:
            logger.info("TLS certificates loaded anew")

    def _look(self) -> None:
        self._timer = self._loop.call_later(self._interval_s, self._look)
        now = stamp(self._config)
        if now != self._loaded and now == self._last:
            self.reload()
        self._last = now
