"""What do the connections of one server share?

Their limits, the driver that they hand requests to, the header lines that stand in every answer, one timer that
sweeps their deadlines, and the way to end them all.
"""

import logging

from cpython.bytes cimport PyBytes_FromStringAndSize

from fastserve.csrc.clock cimport fs_epoch_s, fs_monotonic_s
from fastserve.csrc.logline cimport fs_log_escape
from fastserve.csrc.resp cimport fs_put_date
from fastserve.net.turn cimport Reader, Turn
from fastserve.stream.filter cimport RequestFilter
from fastserve.stream.messages cimport Upgrade

logger = logging.getLogger("fastserve.error")

cdef double SWEEP_INTERVAL_MAX_S = 0.5
cdef double SWEEP_INTERVAL_MIN_S = 0.02
cdef Py_ssize_t EXCERPT_BYTES_MAX = 64


cdef class Peer(Reader):
    """A connection, as its endpoint sees it."""

    cdef int on_sweep(self, double now_s) except -1:
        """Compare the deadline; act on one that has passed."""
        raise NotImplementedError

    cdef int drain(self) except -1:
        """End when idle: at once, or after the request in flight. (To end at once whatever is in flight: drop.)"""
        raise NotImplementedError


class _Allowance:
    """How many lines a second may go to the log: a burst, and what is left out is counted."""

    def __init__(self, burst: int, per_second: float) -> None:
        self.burst = burst
        self.per_second = per_second
        self.left = float(burst)
        self.at_s = fs_monotonic_s()
        self.suppressed = 0

    def take(self) -> bool:
        now_s = fs_monotonic_s()
        self.left = min(float(self.burst), self.left + (now_s - self.at_s) * self.per_second)
        self.at_s = now_s
        if self.left < 1.0:
            self.suppressed += 1
            return False
        self.left -= 1.0
        return True

    def take_suppressed(self) -> int:
        count, self.suppressed = self.suppressed, 0
        return count


cdef bytes encode_lines(object fields):
    return b"".join([name + b": " + value + b"\r\n" for name, value in fields])


cdef class Endpoint:
    """What the connections of one server share.

    :param loop: the running event loop
    :param limits: an object with the attributes of the option group "limits", ``limit_concurrency``,
        ``server_header`` and ``date_header``; times in seconds
    :param driver: takes the requests
    :param default_headers: ``(name, value)`` in bytes, for every answer
    :param observers: are told of every answer that ended
    :param request_filter: corrects requests before the driver gets them, or None
    :param upgrade: takes requests that ask to become something else, or None
    """

    def __init__(self, loop, limits, Driver driver, default_headers=(), observers=(),
                 RequestFilter request_filter=None, Upgrade upgrade=None):
        self.loop = loop
        self.limits = limits
        self.driver = driver
        self.observers = list(observers)
        self.request_filter = request_filter
        self.upgrade = upgrade
        self.turn = Turn(loop, driver)
        self.refusals = {}
        self.body_bytes_max = limits.body_bytes_max
        self.write_buffer_bytes_max = limits.write_buffer_bytes_max
        self.discard_bytes_max = limits.discard_bytes_max
        self.pipelined_requests_max = limits.pipelined_requests_max
        self.concurrency_max = limits.limit_concurrency or 0
        self.keep_alive_timeout_s = limits.timeout_keep_alive
        self.head_timeout_s = limits.head_timeout_s
        self.body_timeout_s = limits.body_timeout_s
        self.body_rate_min_bytes_s = limits.body_rate_min_bytes_s
        self.write_timeout_s = limits.write_timeout_s
        self.half_close_timeout_s = limits.half_close_timeout_s
        self.linger_timeout_s = limits.linger_timeout_s
        self.with_date = limits.date_header
        self.server_line = b"server: fastserve\r\n" if limits.server_header else b""
        self.extra_lines = encode_lines(default_headers)
        for name, _ in default_headers:
            if name.lower() == b"server":
                self.server_line = b""
            elif name.lower() == b"date":
                self.with_date = False
        self.block_epoch_s = -1
        self.peers = set()
        self.closed_waiters = []
        self.addresses = {}
        self.allowance = _Allowance(burst=10, per_second=1.0)
        self.sweep_interval_s = self.choose_sweep_interval()

    cdef double choose_sweep_interval(self) except -1:
        """A quarter of the shortest deadline, so that none is late by more."""
        cdef double shortest = 4 * SWEEP_INTERVAL_MAX_S
        for timeout_s in (self.keep_alive_timeout_s, self.head_timeout_s, self.body_timeout_s,
                          self.write_timeout_s, self.half_close_timeout_s, self.linger_timeout_s):
            if 0 < timeout_s < shortest:
                shortest = timeout_s
        if self.upgrade is not None and 0 < self.upgrade.timeout_min_s < shortest:
            shortest = self.upgrade.timeout_min_s
        return max(SWEEP_INTERVAL_MIN_S, shortest / 4)

    # ---- the connections ----

    @property
    def connections(self) -> int:
        """Open connections, those included that are closing."""
        return len(self.peers)

    cdef int link(self, Peer peer) except -1:
        self.peers.add(peer)
        if self.tally is not None:
            self.tally[0] = len(self.peers)
        if self.sweep_timer is None:
            self.sweep_timer = self.loop.call_later(self.sweep_interval_s, self.sweep)
        return 0

    cdef int unlink(self, Peer peer) except -1:
        self.peers.discard(peer)
        if self.tally is not None:
            self.tally[0] = len(self.peers)
        if self.closed_waiters and not self.peers:
            waiters, self.closed_waiters = self.closed_waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
        return 0

    cdef bint is_crowded(self) except -1:
        """Whether a request has to be turned away, which is uvicorn's rule: its own connection counts, it does not."""
        if len(self.peers) < self.concurrency_max and self.driver.in_flight() < self.concurrency_max:
            return False
        self.count_refusal("concurrency limit")
        if self.allowance.take():
            logger.warning("Exceeded concurrency limit.")
        return True

    cdef int count_refusal(self, str reason) except -1:
        """A request, or what is none, was turned away. Reasons are this server's own words, and so a few dozen."""
        self.refusals[reason] = self.refusals.get(reason, 0) + 1
        return 0

    cdef object shared_address(self, object address):
        """One object for an address of our side, however many connections have it."""
        if len(self.addresses) > 64:  # a wildcard socket on a machine with many addresses
            self.addresses.clear()
        return self.addresses.setdefault(address, address)

    def sweep(self):
        """Compares every connection's deadline with the clock. The loop's timer calls it while there are any."""
        cdef double now_s = fs_monotonic_s()
        cdef Peer peer
        self.sweep_timer = None
        try:
            for peer in list(self.peers):
                try:
                    peer.on_sweep(now_s)
                except Exception:
                    logger.exception("A connection's deadline could not be handled; the connection is dropped")
                    peer.drop()
        finally:
            if self.peers:
                self.sweep_timer = self.loop.call_later(self.sweep_interval_s, self.sweep)

    # ---- the end ----

    @property
    def requests_in_flight(self) -> int:
        """Requests whose application has not returned."""
        return self.driver.in_flight()

    def announce_end(self) -> None:
        """Every answer from now on is the last of its connection, and says so."""
        self.last_answers = True

    def drain(self, spare_newcomers=False) -> None:
        """Idle connections close at once, the others after the request in flight.

        Those that have had no request yet may be spared until the next call: their first one is on its way."""
        self.announce_end()
        self.draining = True
        self.spares_newcomers = spare_newcomers
        cdef Peer peer
        for peer in list(self.peers):
            peer.drain()

    async def wait_closed(self) -> None:
        """Returns when there is no connection any more and no request in flight."""
        while self.peers or self.driver.in_flight() > 0:
            if self.peers:
                waiter = self.loop.create_future()
                self.closed_waiters.append(waiter)
                await waiter
            else:
                await self.driver.when_idle()

    def cancel_requests(self) -> int:
        """Cancels the requests in flight; returns how many there were."""
        return self.driver.cancel_all()

    def abort(self) -> None:
        """Drops every connection, whatever it is doing."""
        cdef Peer peer
        for peer in list(self.peers):
            peer.drop()

    def close(self) -> None:
        """Stops the timer and the driver. For use when the last connection is gone, or will not be waited for."""
        self.driver.close()
        if self.sweep_timer is not None:
            self.sweep_timer.cancel()
            self.sweep_timer = None

    # ---- what stands in every answer ----

    cdef bytes default_block(self):
        cdef int64_t now_s = fs_epoch_s()
        cdef char date[29]
        if now_s != self.block_epoch_s:
            self.block_epoch_s = now_s
            self.date_line = b""
            if self.with_date:
                fs_put_date(date, now_s)
                self.date_line = b"date: " + PyBytes_FromStringAndSize(date, 29) + b"\r\n"
            self.block = self.date_line + self.server_line + self.extra_lines
        return self.block

    cdef bytes default_block_without(self, bint date, bint server):
        """The block for an answer whose application wrote Date or Server itself."""
        self.default_block()
        return (b"" if date else self.date_line) + (b"" if server else self.server_line) + self.extra_lines

    cdef int bad_request(self, object client, int status, str reason, bytes excerpt) except -1:
        """One line for the log about bytes that are no request, unless there were too many of late."""
        cdef char escaped[256]
        cdef bytes text = excerpt[:EXCERPT_BYTES_MAX]
        cdef size_t size
        if not self.allowance.take():
            return 0
        size = fs_log_escape(escaped, text, len(text))
        shown = escaped[:size].decode("ascii")
        logger.warning('Invalid HTTP request received from %s: %d %s: "%s"%s',
                       name_of(client), status, reason, shown, self.note())
        return 0

    def log_refused(self, str message not None, peername, str reason not None) -> None:
        """One line for the log about a peer that got no further than here; they count as bad requests do."""
        # "TLS handshake with %s failed: %s" is counted as "TLS handshake failed".
        self.count_refusal(message.partition(":")[0].replace(" with %s", "").replace(" from %s", ""))
        if self.allowance.take():
            logger.warning(message + "%s", name_of(peername), reason, self.note())

    cdef str note(self):
        more = self.allowance.take_suppressed()
        return f" ({more} more such lines left out)" if more else ""


cdef object name_of(object client):
    return f"{client[0]}:{client[1]}" if isinstance(client, tuple) else "unix socket"
