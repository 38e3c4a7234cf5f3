"""What becomes of a connection after 101 (Switching Protocols)? (RFC 9110, 7.8)

A Tunnel takes a connection over from the Connection that has answered the request, which ends. It is the transport's
protocol from then on, passes what is read to a session, and knows nothing of what the bytes mean. As a Connection, it
collects what is read in a turn of the event loop and works it off at the turn's end. `enter` is the one place where
its state changes.
"""

import logging

from cpython.bytes cimport PyBytes_CheckExact, PyBytes_GET_SIZE

from fastserve.csrc.clock cimport fs_monotonic_s
from fastserve.net.backlog cimport Backlog
from fastserve.net.endpoint cimport Endpoint
from fastserve.net.outbox cimport Outbox
from fastserve.stream.channel cimport ByteChannel, ByteSession
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer

logger = logging.getLogger("fastserve.error")

# What is larger than this is worked off when it is read, so that it need not be kept.
cdef Py_ssize_t TURN_BYTES_MAX = 16384


cdef class Tunnel(Backlog):
    """The protocol object of one client whose request has become a session.

    A Connection makes it and leaves it what it has read; then `take_over` begins.
    """

    cdef int take_over(self, Endpoint endpoint, object transport, Outbox outbox, ByteSession session) except -1:
        """Become the transport's protocol, and give the session its channel."""
        cdef TunnelChannel channel = TunnelChannel.__new__(TunnelChannel)
        self.endpoint = endpoint
        self.transport = transport
        self.outbox = outbox
        self.session = session
        channel.tunnel = self
        channel.outbox = outbox
        if self.waiting is not None:
            self.bytes_received = PyBytes_GET_SIZE(self.waiting) - self.waiting_at
        if self.waiting_more is not None:
            self.bytes_received += sum(map(len, self.waiting_more))
        endpoint.link(self)
        endpoint.upgraded += 1
        endpoint.tunnels += 1
        transport.set_protocol(self)
        session.opened(channel)
        if endpoint.draining:
            session.drain()
        if self.waiting is not None or self.at_eof:
            endpoint.turn.add_reader(self)
        return 0

    cdef int enter(self, TunnelState state) except -1:
        self.state = state
        if state != PASSING:
            self.forget_waiting()
            self.outbox.left_before = 0  # who is slow to take the end is slow from now on
            self.deadline_s = fs_monotonic_s() + self.endpoint.linger_timeout_s
        return 0

    # ---- asyncio.Protocol ----

    def connection_made(self, transport):
        """Never called: the connection is there."""

    def data_received(self, data):
        if self.state != PASSING:
            return
        if not PyBytes_CheckExact(data):
            data = bytes(data)
        self.bytes_received += PyBytes_GET_SIZE(data)
        self.wait(<bytes>data)
        if self.waiting_more is None and not self.blocked and PyBytes_GET_SIZE(data) > TURN_BYTES_MAX:
            self.push()

    def eof_received(self):
        """Whether the transport stays open: what was read before may wait for the session. Under TLS it cannot."""
        self.at_eof = True
        self.push()
        self.end_of_input()
        return self.state == PASSING and self.outbox.wire is None

    def pause_writing(self):
        self.outbox.pause()

    def resume_writing(self):
        self.outbox.resume()

    def connection_lost(self, exc):
        """What was read before is the session's all the same, though it may take its time."""
        cdef ByteSession session = self.session
        self.endpoint.unlink(self)
        self.endpoint.tunnels -= 1
        self.outbox.close()
        self.transport = None
        self.at_eof = True
        if self.state == PASSING and self.waiting is not None:
            session.muted()
        else:
            self.leave()

    # ---- bytes in ----

    cdef int wait(self, bytes data) except -1:
        self.keep(data)
        if self.blocked or self.waiting_more is not None:
            return self.update_reading()
        return self.endpoint.turn.add_reader(self)

    cdef int push(self) except -1:
        """Hand what waits to the session, as far as it takes it."""
        cdef ByteSession session = self.session
        cdef bytes data
        cdef Py_ssize_t at
        while self.waiting is not None and not self.blocked:
            at = self.waiting_at
            data = self.take_waiting()
            at = session.push_bytes(data, at)
            if self.state != PASSING:
                return 0
            if at < PyBytes_GET_SIZE(data):
                self.put_back(data, at)
                self.blocked = True
        return 0

    cdef int work(self) except -1:
        """From the turn."""
        self.push()
        self.update_reading()
        if self.at_eof:
            self.end_of_input()
        return 0

    cdef int update_reading(self) except -1:
        cdef bint pause = self.waiting is not None and (self.blocked or self.waiting_more is not None)
        if self.state >= CLOSING or pause == self.reading_paused or self.transport is None:
            return 0
        self.reading_paused = pause
        if pause:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()
        return 0

    cdef int end_of_input(self) except -1:
        """The peer has shut its side: a session without the client's side has no use, once all is worked off."""
        if self.waiting is not None or self.state >= CLOSING:
            return 0
        self.tell_lost()
        return self.end(False)

    cdef int tell_lost(self) except -1:
        cdef ByteSession session = self.session
        self.session = None
        if session is not None:
            session.lost()
            if self.request is not None:
                self.tell_observers(session.close_code)
        return 0

    cdef int tell_observers(self, int close_code) except -1:
        cdef Request request = self.request
        cdef Observer observer
        self.request = None
        for observer in self.endpoint.observers:
            try:
                observer.session_ended(request, self.began_s, self.bytes_sent, self.bytes_received, close_code)
            except Exception:
                logger.exception("An observer of requests failed")
        return 0

    # ---- the end ----

    cdef int leave(self) except -1:
        """The connection is no more, and nothing of it waits."""
        self.enter(CLOSED)
        return self.tell_lost()

    cdef int end(self, bint more_may_come) except -1:
        """Close behind what was written. Closing on unread bytes would reset the connection, and the peer might lose
        what it has not read (RFC 9112, 9.6): if more may come, shut our side, and drop it until the peer's end."""
        if self.state >= CLOSING or (self.state == LINGERING and more_may_come):
            return 0
        if self.transport is None:
            return self.leave()
        self.outbox.flush()
        if more_may_come and not self.at_eof and self.endpoint.linger_timeout_s > 0:
            self.enter(LINGERING)
            if self.transport.can_write_eof():  # not under TLS
                try:
                    self.transport.write_eof()
                except OSError:
                    return self.drop()  # there is no connection any more
            return self.update_reading()
        self.enter(CLOSING)
        self.transport.close()
        return 0

    cdef int drain(self) except -1:
        cdef ByteSession session = self.session
        if self.state == PASSING:
            session.drain()
        return 0

    cdef int drop(self) except -1:
        if self.transport is not None:
            self.enter(CLOSING)
            self.transport.abort()
        return 0

    cdef int on_sweep(self, double now_s) except -1:
        cdef ByteSession session = self.session
        if ((self.outbox.paused or self.outbox.wire is not None or self.state != PASSING)
                and self.outbox.is_stuck(now_s, self.endpoint.write_timeout_s)):
            self.endpoint.stuck_clients += 1
            return self.drop()
        if self.state == PASSING:
            return session.on_sweep(now_s)
        if self.outbox.left_to_write() > 0:
            self.deadline_s = now_s + self.endpoint.linger_timeout_s
        elif now_s >= self.deadline_s:
            return self.end(False) if self.state == LINGERING else self.drop()
        return 0


cdef class TunnelChannel(ByteChannel):
    """A tunnel, as its session sees it."""

    cdef int write(self, bytes data) except -1:
        self.tunnel.bytes_sent += PyBytes_GET_SIZE(data)
        return self.outbox.put(data)

    cdef bint writable(self) noexcept:
        return not self.outbox.paused

    cdef object wait_writable(self):
        return self.outbox.wait_for_room()

    cdef int read_on(self) except -1:
        cdef Tunnel tunnel = self.tunnel
        tunnel.blocked = False
        if tunnel.waiting is not None:
            return tunnel.endpoint.turn.add_reader(tunnel)
        return tunnel.update_reading()

    cdef int close(self, bint more_may_come) except -1:
        return self.tunnel.end(more_may_come)

    cdef int abort(self) except -1:
        return self.tunnel.drop()
