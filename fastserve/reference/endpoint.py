"""What do the connections of one server share?

Their limits, the driver that they hand requests to, the header lines that stand in every answer, one timer
that looks at their deadlines, and the way to end them all.
"""

from __future__ import annotations

import asyncio
import logging
import time
from abc import abstractmethod
from collections.abc import Iterable
from email.utils import formatdate
from typing import Any

from fastserve.reference.logline import escaped
from fastserve.reference.seam import Driver, Observer, RequestFilter, Upgrade

__all__ = ["Endpoint", "Peer"]

logger = logging.getLogger("fastserve.error")

_SWEEP_INTERVAL_MAX_S = 0.5
_SWEEP_INTERVAL_MIN_S = 0.02
_EXCERPT_BYTES_MAX = 64


class Peer(asyncio.Protocol):
    """A connection, as its endpoint sees it."""

    @abstractmethod
    def on_sweep(self, now_s: float) -> None:
        """Compare the deadline with the clock (time.monotonic); act on one that has passed."""

    @abstractmethod
    def drain(self) -> None:
        """End when idle: at once, or after the request in flight."""

    @abstractmethod
    def drop(self) -> None:
        """End at once, whatever is in flight."""


class Endpoint:
    """What the connections of one server share.

    `limits` has the attributes of the option group "limits", `limit_concurrency`, `server_header` and
    `date_header`; `default_headers` stand in every answer, in bytes.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limits: Any,
        driver: Driver,
        default_headers: Iterable[tuple[bytes, bytes]] = (),
        observers: Iterable[Observer] = (),
        request_filter: RequestFilter | None = None,
        upgrade: Upgrade | None = None,
    ) -> None:
        self.loop = loop
        self.limits = limits
        self.driver = driver
        self.observers = list(observers)
        self.request_filter = request_filter
        self.upgrade = upgrade
        self.total_requests = 0
        #: Sinks note when their request began.
        self.timed = False
        #: And when their answer did.
        self.times_first_byte = False
        self.refusals: dict[str, int] = {}  # reason -> how many requests were turned away for it
        self.stuck_clients = 0  # connections that were dropped for taking nothing
        self.upgraded = 0  # connections that have become something else, so far
        self.tunnels = 0  # and now
        self.last_answers = False
        self.draining = False
        self.spares_newcomers = False
        self._default_headers = list(default_headers)
        self.peers: set[Peer] = set()
        #: Its first item is to be their number.
        self.tally: Any = None
        self._closed_waiters: list[asyncio.Future[None]] = []
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._allowance = _Allowance(burst=10, per_second=1.0)

    # ---- the connections ----

    @property
    def connections(self) -> int:
        """Open connections, those included that are closing."""
        return len(self.peers)

    def link(self, peer: Peer) -> None:
        self.peers.add(peer)
        self._count()
        self._sweep_later()

    def unlink(self, peer: Peer) -> None:
        self.peers.discard(peer)
        self._count()
        if not self.peers:
            waiters, self._closed_waiters = self._closed_waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def _count(self) -> None:
        if self.tally is not None:
            self.tally[0] = len(self.peers)

    def is_crowded(self) -> bool:
        """Whether a request has to be turned away: its own connection counts, it does not yet."""
        limit = self.limits.limit_concurrency
        if not limit or (len(self.peers) < limit and self.driver.in_flight() < limit):
            return False
        self.count_refusal("concurrency limit")
        if self._allowance.take():
            logger.warning("Exceeded concurrency limit.")
        return True

    def count_refusal(self, reason: str) -> None:
        """A request, or what is none, was turned away. Reasons are our own words, and so a few dozen."""
        self.refusals[reason] = self.refusals.get(reason, 0) + 1

    def sweep(self) -> None:
        """Compare every connection's deadline with the clock."""
        self._sweep_timer = None
        try:
            for peer in list(self.peers):
                try:
                    peer.on_sweep(time.monotonic())
                except Exception:
                    logger.exception(
                        "A connection's deadline could not be handled; the connection is dropped"
                    )
                    peer.drop()
        finally:
            if self.peers:
                self._sweep_later()

    def _sweep_later(self) -> None:
        """A quarter of the shortest deadline from now, so that none is late by more."""
        if self._sweep_timer is None:
            limits = self.limits
            timeouts_s = (
                limits.timeout_keep_alive, limits.head_timeout_s, limits.body_timeout_s,
                limits.write_timeout_s, limits.half_close_timeout_s, limits.linger_timeout_s,
                self.upgrade.timeout_min_s if self.upgrade is not None else 0,
            )  # fmt: skip
            shortest_s = min((t for t in timeouts_s if t > 0), default=4 * _SWEEP_INTERVAL_MAX_S)
            interval_s = max(_SWEEP_INTERVAL_MIN_S, min(shortest_s / 4, _SWEEP_INTERVAL_MAX_S))
            self._sweep_timer = self.loop.call_later(interval_s, self.sweep)

    # ---- the end ----

    @property
    def requests_in_flight(self) -> int:
        """Requests whose application has not returned."""
        return self.driver.in_flight()

    def announce_end(self) -> None:
        """Every answer from now on is the last of its connection, and says so."""
        self.last_answers = True

    def drain(self, spare_newcomers: bool = False) -> None:
        """Idle connections close at once, the others after the request in flight.

        Those that have had no request yet may be spared until the next call: their first one is on its way.
        """
        self.announce_end()
        self.draining = True
        self.spares_newcomers = spare_newcomers
        for peer in list(self.peers):
            peer.drain()

    async def wait_closed(self) -> None:
        """Returns when there is no connection any more and no request in flight."""
        while self.peers or self.driver.in_flight() > 0:
            if self.peers:
                waiter = self.loop.create_future()
                self._closed_waiters.append(waiter)
                await waiter
            else:
                await self.driver.when_idle()

    def cancel_requests(self) -> int:
        """Cancel the requests in flight; returns how many there were."""
        return self.driver.cancel_all()

    def abort(self) -> None:
        """Drop every connection, whatever it is doing."""
        for peer in list(self.peers):
            peer.drop()

    def close(self) -> None:
        """Stop the timer and the driver, when the last connection is gone, or will not be waited for."""
        self.driver.close()
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
            self._sweep_timer = None

    # ---- what stands in every answer, and in the log ----

    def default_fields(self, own: set[bytes]) -> bytes:
        """The lines that stand in every answer, but for those whose (lower-case) names are in `own`."""
        own = own | {name.lower() for name, _ in self._default_headers}
        lines = []
        if self.limits.date_header and b"date" not in own:
            lines.append(b"date: %b\r\n" % formatdate(time.time(), usegmt=True).encode())
        if self.limits.server_header and b"server" not in own:
            lines.append(b"server: fastserve\r\n")
        lines += [name + b": " + value + b"\r\n" for name, value in self._default_headers]
        return b"".join(lines)

    def bad_request(self, client: tuple[str, int] | None, status: int, reason: str, excerpt: bytes) -> None:
        """One line for the log about bytes that are no request, unless there were too many of late."""
        if self._allowance.take():
            shown = escaped(excerpt[:_EXCERPT_BYTES_MAX])
            message = 'Invalid HTTP request received from %s: %d %s: "%s"%s'
            logger.warning(message, _name_of(client), status, reason, shown, self._allowance.note())

    def log_refused(self, message: str, peername: object, reason: str) -> None:
        """One line about a peer that got no further than here; they count as bad requests do.

        `message` has a `%s` for the peer and one for the reason.
        """
        # "TLS handshake with %s failed: %s" is counted as "TLS handshake failed".
        self.count_refusal(message.partition(":")[0].replace(" with %s", "").replace(" from %s", ""))
        if self._allowance.take():
            logger.warning(message + "%s", _name_of(peername), reason, self._allowance.note())


def _name_of(client: object) -> str:
    return f"{client[0]}:{client[1]}" if isinstance(client, tuple) else "unix socket"


class _Allowance:
    """How many lines a second may go to the log: a burst, and what is left out is counted."""

    def __init__(self, burst: int, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left = float(burst)
        self._at_s = time.monotonic()
        self._suppressed = 0

    def take(self) -> bool:
        now_s = time.monotonic()
        self._left = min(float(self._burst), self._left + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
        if self._left < 1.0:
            self._suppressed += 1
            return False
        self._left -= 1.0
        return True

    def note(self) -> str:
        """What to add to a line about those that were left out before it."""
        count, self._suppressed = self._suppressed, 0
        return f" ({count} more such lines left out)" if count else ""
