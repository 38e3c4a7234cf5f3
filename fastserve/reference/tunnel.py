"""What becomes of a connection after 101 (Switching Protocols)? (RFC 9110, 7.8)

A `Tunnel` takes a connection over from the `Connection` that has answered the request, which ends. It is the
transport's protocol from then on, passes what is read to a session, and knows nothing of what the bytes mean.
`enter` is the one place where its state changes.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable

from fastserve.reference.endpoint import Endpoint, Peer
from fastserve.reference.seam import ByteChannel, ByteSession, Ended, Request

__all__ = ["Tunnel"]

logger = logging.getLogger("fastserve.error")


class TunnelState(enum.IntEnum):
    PASSING = 0
    LINGERING = 1  # our side is shut; bytes are dropped until the peer's end
    CLOSING = 2
    CLOSED = 3


class Tunnel(Peer, ByteChannel):
    """The protocol object of one client whose request has become a session, and the session's channel.

    `left_to_write` tells how many bytes the client has not taken.
    """

    def __init__(
        self, endpoint: Endpoint, transport: asyncio.Transport, left_to_write: Callable[[], int]
    ) -> None:
        self._endpoint = endpoint
        self._limits = endpoint.limits
        self.transport = transport
        self._left_to_write = left_to_write
        self._session: ByteSession | None = None
        self._deadline_s = 0.0
        self._reading_paused = False
        self._writing_paused = False
        # What it was asked for by, and when, if somebody is to be told of its end
        self._request: Request | None = None
        self._began_s = 0.0
        self._bytes_sent = 0
        self._bytes_received = 0
        self._write_deadline_s = 0.0
        self._write_left = 0  # in the transport at the last look: does a slow client move?
        self._unwritten: list[bytes] = []  # to the end of the loop's turn
        self._write_waiters: list[asyncio.Future[None]] = []
        self.enter(TunnelState.PASSING)

    def enter(self, state: TunnelState) -> None:
        self._state = state
        self._write_left = 0  # who is slow to take the end is slow from now on
        self._deadline_s = time.monotonic() + self._limits.linger_timeout_s

    def tell_of(self, request: Request, began_s: float) -> None:
        """Those who watch requests are to hear of the end of what this one, which began then, has become."""
        self._request = request
        self._began_s = began_s

    def take_over(self, session: ByteSession, unread: bytes, at_eof: bool) -> None:
        """Become the transport's protocol, and give the session its channel, and what was read by now."""
        self._session = session
        self._endpoint.link(self)
        self._endpoint.upgraded += 1
        self._endpoint.tunnels += 1
        self.transport.set_protocol(self)
        self.transport.resume_reading()
        session.opened(self)
        if self._endpoint.draining:
            session.drain()
        if unread:
            self._endpoint.loop.call_soon(self.data_received, unread)
        if at_eof:
            self._endpoint.loop.call_soon(self.eof_received)

    # ---- asyncio.Protocol ----

    def data_received(self, data: bytes) -> None:
        if self._state is TunnelState.PASSING and self._session is not None:
            self._bytes_received += len(data)
            self._session.push_bytes(data)

    def eof_received(self) -> bool:
        """Whether the transport stays open: the session may not have come so far. Under TLS it cannot."""
        if self._session is not None:
            self._session.push_end()
        if not self.transport.can_write_eof():
            self.end_of_input()
        return self._state is TunnelState.PASSING

    def pause_writing(self) -> None:
        self._writing_paused = True
        self._write_deadline_s = time.monotonic() + self._limits.write_timeout_s
        self._write_left = 0

    def resume_writing(self) -> None:
        self._writing_paused = False
        waiters, self._write_waiters = self._write_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.enter(TunnelState.CLOSED)
        self._endpoint.unlink(self)
        self._endpoint.tunnels -= 1
        self._unwritten.clear()
        self._tell_lost()
        self.resume_writing()

    def _tell_lost(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.lost(self._tell_observers)

    def _tell_observers(self, close_code: int) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        ended = Ended(self._began_s, self._bytes_sent, self._bytes_received, close_code)
        for observer in self._endpoint.observers:
            try:
                observer.session_ended(request, ended)
            except Exception:
                logger.exception("An observer of requests failed")

    # ---- a session's side (seam.ByteChannel) ----

    def write(self, data: bytes) -> None:
        """Not at once: what is written in one turn of the loop goes out as one piece, unless it is much."""
        if self._state is TunnelState.PASSING:
            self._bytes_sent += len(data)
            self._unwritten.append(data)
            if sum(map(len, self._unwritten)) > self._limits.write_buffer_bytes_max:
                self._flush()
            elif len(self._unwritten) == 1:
                self._endpoint.loop.call_soon(self._flush)

    def _flush(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        if unwritten:
            self.transport.write(b"".join(unwritten))

    def writable(self) -> bool:
        return not self._writing_paused

    def wait_writable(self) -> asyncio.Future[None]:
        waiter = self._endpoint.loop.create_future()
        if self._writing_paused:
            self._write_waiters.append(waiter)
        else:
            waiter.set_result(None)
        return waiter

    def pause_reading(self, paused: bool) -> None:
        if paused != self._reading_paused and self._state < TunnelState.CLOSING:
            self._reading_paused = paused
            if paused:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def end_of_input(self) -> None:
        """A session without the client's side has no use, once all is worked off."""
        self._tell_lost()
        self.close(more_may_come=False)

    def close(self, more_may_come: bool) -> None:
        """Close behind what was written. Closing on unread bytes would reset the connection, and the peer
        might lose what it has not read (RFC 9112, 9.6): if more may come, drop it until the peer's end."""
        if self._state >= TunnelState.CLOSING or (self._state is TunnelState.LINGERING and more_may_come):
            return
        self._flush()
        if more_may_come and self._limits.linger_timeout_s > 0:
            self.pause_reading(False)
            self.enter(TunnelState.LINGERING)
            try:
                if self.transport.can_write_eof():  # not under TLS
                    self.transport.write_eof()
            except OSError:
                self.drop()  # there is no connection any more
        else:
            self.enter(TunnelState.CLOSING)
            self.transport.close()

    # ---- the endpoint's side ----

    def drain(self) -> None:
        if self._state is TunnelState.PASSING and self._session is not None:
            self._session.drain()

    def drop(self) -> None:
        if self._state < TunnelState.CLOSED:
            self._unwritten.clear()
            self.enter(TunnelState.CLOSING)
            self.transport.abort()

    def on_sweep(self, now_s: float) -> None:
        if self._is_stuck(now_s):
            self._endpoint.stuck_clients += 1
            self.drop()
        elif self._state is TunnelState.PASSING:
            if self._session is not None:
                self._session.on_sweep(now_s)
        elif self._left_to_write() > 0:
            self._deadline_s = now_s + self._limits.linger_timeout_s
        elif now_s >= self._deadline_s:
            if self._state is TunnelState.LINGERING:
                self.close(more_may_come=False)
            else:
                self.drop()

    def _is_stuck(self, now_s: float) -> bool:
        """Whether the client has taken nothing for write_timeout_s."""
        left = self._left_to_write()
        if left == 0 or self._limits.write_timeout_s <= 0:
            self._write_left = 0
            return False
        if left != self._write_left:
            self._write_left = left
            self._write_deadline_s = now_s + self._limits.write_timeout_s
        return now_s >= self._write_deadline_s
