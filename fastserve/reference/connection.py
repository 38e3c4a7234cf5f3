"""What happens to these bytes now? (RFC 9112, 9: connections)

A `Connection` is the asyncio protocol of one client. It asks its parser for one event after the other, hands
one request at a time to the driver, and decides what becomes of the connection: `enter` is the one place
where its state changes. What the client sends behind an unfinished request waits unparsed, so that answers
need no queue to be in order, and pauses the socket, so that it waits in the client.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, cast

from fastserve.reference.endpoint import Endpoint, Peer
from fastserve.reference.parser import Data, Event, Limits, Parser
from fastserve.reference.request import request_of
from fastserve.reference.response import ResponseSink
from fastserve.reference.rules import BadMessage, Head
from fastserve.reference.seam import Address, ByteSession, Request, RequestFilter, Stream
from fastserve.reference.tunnel import Tunnel

__all__ = ["Connection", "State"]

logger = logging.getLogger("fastserve.error")

_LINGER_ROUNDS = 10  # the whole of lingering, in units of linger_timeout_s
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_TLS_HANDSHAKE = b"\x16"  # begins a ClientHello's record (RFC 8446, 5.1)


class State(enum.IntEnum):
    """What a connection is about; in the order in which it can only grow from LINGERING on."""

    AWAITING_HEAD = 0  # no request in hand; a part of a head may have come
    IN_REQUEST = 1  # a request is in hand: with the application, or its body still arrives
    DISCARDING = 2  # answered before its body was complete: the rest is read and dropped
    LINGERING = 3  # answered for the last time, our side is shut; bytes are dropped until the peer's end
    CLOSING = 4  # the transport sends what is left, then closes
    CLOSED = 5


class Connection(Peer):
    """The protocol object of one HTTP/1 client; `make_parser` is the class of its parser."""

    def __init__(self, endpoint: Endpoint, make_parser: Callable[[Limits], Parser]) -> None:
        self.endpoint = endpoint
        self.limits = endpoint.limits
        self.parser = make_parser(endpoint.limits)
        self.transport = cast(asyncio.Transport, None)
        # The request in hand
        self.request: Request | None = None
        self.stream: Stream | None = None
        self.sink: ResponseSink | None = None
        self.body_paused = False  # the application does not keep up
        self.body_bytes = 0
        self.may_send_more = False  # the client has not announced its end, or goes on behind it
        # The peer
        self.tls: dict[str, Any] | None = None
        self.addresses: tuple[str, Any, Any] | None = None
        self.introduced: tuple[Any, Any, bool] | None = None
        self.request_filter: RequestFilter | None = None
        self.at_eof = False  # it has shut its side
        self.reading_paused = False  # by us
        self.reads_behind = 0  # that came while others waited
        self.writing_paused = False  # it does not take what we write
        self._unwritten: list[bytes] = []  # to the end of the loop's turn
        self._write_waiters: list[asyncio.Future[None]] = []
        # Deadlines on time.monotonic; None for none
        self.body_paused_at_s = 0.0
        self.write_deadline_s = 0.0
        self.write_left = 0  # in the transport at the last look: does a slow client move?
        self.linger_end_s = 0.0
        self.enter(State.AWAITING_HEAD, 0)

    def enter(self, state: State, timeout_s: float) -> None:
        self.state = state
        self.deadline_s = time.monotonic() + timeout_s if timeout_s > 0 else None
        self.head_clocked = False  # the deadline is that of a head that has begun

    # ---- asyncio.Protocol ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(self.limits.write_buffer_bytes_max)
        self.endpoint.link(self)
        self.enter(State.AWAITING_HEAD, self.limits.head_timeout_s)
        if self.endpoint.draining:
            self.drain()

    def introduce(self, client: tuple[str, int] | None, server: Address | None, secure: bool) -> None:
        """A proxy that speaks for its client has said who that is, where it came to, and whether by TLS."""
        self.introduced = client, server, secure

    def data_received(self, data: bytes) -> None:
        if self.state is State.LINGERING:
            self.deadline_s = min(time.monotonic() + self.limits.linger_timeout_s, self.linger_end_s)
        elif self.state < State.LINGERING:
            if self.parser.unread:
                self.reads_behind += 1
            self.parser.receive(bytes(data))
            self.work()

    def eof_received(self) -> bool:
        """Whether the transport stays open: a client may shut its side behind its request, and still read."""
        self.at_eof = True
        self.end_of_input()
        return self.state < State.CLOSING

    def pause_writing(self) -> None:
        self.writing_paused = True
        self.write_deadline_s = time.monotonic() + self.limits.write_timeout_s
        self.write_left = 0

    def resume_writing(self) -> None:
        self.writing_paused = False
        self._wake_writers()
        if self.parser.unread:
            self.work_soon()
        elif self.state is State.AWAITING_HEAD and not self.head_clocked:
            self.enter(State.AWAITING_HEAD, self.limits.timeout_keep_alive)  # idle from now on

    def connection_lost(self, exc: Exception | None) -> None:
        sink, stream = self.sink, self.stream
        self.enter(State.CLOSED, 0)
        self.endpoint.unlink(self)
        if sink is not None:
            sink.client_gone()
            self.end_request(sink)
        self._unwritten.clear()
        self.writing_paused = False
        self._wake_writers()
        if stream is not None:
            stream.disconnect()

    # ---- bytes in ----

    def work(self) -> None:
        """One event after the other, until the bytes are used up, or must wait, or are for nobody."""
        if self.state >= State.LINGERING:
            return
        try:
            while self.may_parse() and (event := self.parser.next_event()) is not None:
                self.take(event)
            if self.stream is not None and not self.stream.started and not self.awaits_body():
                self.stream.start()
        except BadMessage as bad:
            if bad.excerpt.startswith(_TLS_HANDSHAKE) and not self.parser.in_body:
                bad.reason = "TLS handshake on a plain HTTP port"
            self.refuse(bad.status, bad.reason, bad.excerpt)
        except Exception:
            logger.exception("A connection's bytes could not be worked off; it is dropped")
            self.drop()
        if self.state is State.AWAITING_HEAD and not self.parser.unread:
            if not self.head_clocked and self.parser.head_begun:
                self.enter(State.AWAITING_HEAD, self.limits.head_timeout_s)
                self.head_clocked = True
            elif self.endpoint.draining:
                self.drain()
        self.update_reading()
        if self.at_eof:
            self.end_of_input()

    def work_soon(self) -> None:
        """Not at once: whoever ends a request here is in the middle of something."""
        self.endpoint.loop.call_soon(self.work)

    def may_parse(self) -> bool:
        """Whether the next bytes have somewhere to go: into the body in hand, or to a next request."""
        if self.state in (State.IN_REQUEST, State.DISCARDING):
            return self.parser.in_body
        return self.state is State.AWAITING_HEAD and not self.writing_paused

    def awaits_body(self) -> bool:
        """Whether the body has to pass before the application runs: behind it, the bytes may be another's."""
        return self.parser.in_body and self.request is not None and self.request.protocol is not None

    def take(self, event: Event) -> None:
        if isinstance(event, Head):
            self.begin_request(event)
        elif isinstance(event, Data):
            self.take_body(event.data)
        elif self.state is State.DISCARDING:
            self.enter(State.AWAITING_HEAD, self.limits.timeout_keep_alive)
        elif self.stream is not None and self.sink is not None:
            self.deadline_s = None
            self.sink.owes_continue = False  # nobody waits for one behind the body
            self.stream.end_body()

    def begin_request(self, head: Head) -> None:
        scheme, client, server = self.look_up_addresses()
        request = self.request = request_of(head, scheme, client, server)
        request.tls = self.tls
        if self.request_filter is not None:
            self.request_filter.apply(request)
        self.may_send_more = self.parser.unread > 0 or head.keep_alive
        sink = self.sink = ResponseSink(
            self,
            is_head=head.method == b"HEAD",
            is_1_0=head.minor == 0,
            keep_alive=head.keep_alive and self.limits.timeout_keep_alive > 0,
            owes_continue=head.expects_continue and head.has_body,
        )
        if self.endpoint.timed:
            sink.began_s = time.monotonic()
        self.endpoint.total_requests += 1
        self.body_bytes = 0
        self.body_paused = False
        self.enter(State.IN_REQUEST, self.limits.body_timeout_s if head.has_body else 0)
        if head.unknown_expectation:
            self.endpoint.count_refusal("unknown expectation")
            sink.send_error(417)
        elif self.endpoint.is_crowded():
            sink.send_error(503)
        elif 0 < self.limits.body_bytes_max < (head.content_length or 0):
            self.endpoint.count_refusal("body too large")
            sink.send_error(413)
        else:
            if head.upgrade and self.endpoint.upgrade is not None:
                self.stream = self.endpoint.upgrade.open(request, sink)
            if self.stream is None and not sink.finished:
                self.stream = self.endpoint.driver.open(request, sink)
            if self.stream is not None and not head.has_body:
                self.stream.end_body()

    def take_body(self, data: bytes) -> None:
        self.body_bytes += len(data)
        if self.state is State.DISCARDING:
            if self.body_bytes > self.limits.discard_bytes_max:
                self.linger()
        elif self.sink is not None and self.stream is not None:
            self.sink.bytes_received = self.body_bytes
            self.sink.owes_continue = False  # it did not wait for one
            if 0 < self.limits.body_bytes_max < self.body_bytes:
                self.refuse(413, "body too large", b"")
            else:
                self.stream.push_body(data)

    def refuse(self, status: int, reason: str, excerpt: bytes) -> None:
        """Answer what is no request, or no body, and end. A request in hand has not been answered yet."""
        if self.state is State.DISCARDING:
            return self.linger()
        self.may_send_more = True
        self.endpoint.count_refusal(reason)
        if status != 413:
            self.endpoint.bad_request(self.look_up_addresses()[1], status, reason, excerpt)
        stream, sink = self.stream, self.sink
        if sink is None:
            sink = self.sink = ResponseSink(self, False, False, False, False)
        elif sink.head_sent():
            sink.disconnected = True
            sink.abort()
            if stream is not None:
                stream.disconnect()
            return None
        self.stream = None
        sink.send_error(status)
        sink.disconnected = True
        if stream is not None and stream.started:
            stream.disconnect()
        return None

    # ---- what a sink asks (response.Channel) ----

    @property
    def times_first_byte(self) -> bool:
        return self.endpoint.times_first_byte

    @property
    def last_answers(self) -> bool:
        return self.endpoint.last_answers

    def default_fields(self, own: set[bytes]) -> bytes:
        return self.endpoint.default_fields(own)

    def write(self, data: bytes) -> None:
        """Not at once: what is written in one turn of the loop goes out as one piece, unless it is much."""
        if self.state >= State.LINGERING:
            return
        self._unwritten.append(data)
        if sum(map(len, self._unwritten)) > self.limits.write_buffer_bytes_max:
            self.flush()
        elif len(self._unwritten) == 1:
            self.endpoint.loop.call_soon(self.flush)

    def flush(self) -> None:
        unwritten, self._unwritten = self._unwritten, []
        try:
            if unwritten:
                self.transport.write(b"".join(unwritten))
        except Exception:
            logger.exception("A connection could not be written to; it is dropped")
            self.drop()

    def wait_writable(self) -> asyncio.Future[None]:
        waiter = self.endpoint.loop.create_future()
        if self.writing_paused:
            self._write_waiters.append(waiter)
        else:
            waiter.set_result(None)
        return waiter

    def _wake_writers(self) -> None:
        waiters, self._write_waiters = self._write_waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def on_body_paused(self, paused: bool) -> None:
        if paused == self.body_paused:
            return
        self.body_paused = paused
        if paused:
            self.body_paused_at_s = time.monotonic()
        elif self.deadline_s is not None and self.parser.in_body:
            self.deadline_s += time.monotonic() - self.body_paused_at_s
        self.update_reading()

    def on_answered(self, sink: ResponseSink) -> None:
        """What now? The answer's end decides between the next request, the rest of the body, and the end."""
        if sink is not self.sink:
            return
        self.end_request(sink)
        goes_on = sink.keep_alive and not self.last_answers
        if self.parser.in_body:
            if goes_on and not (self.at_eof and not self.parser.unread):
                self.body_bytes = 0
                self.enter(State.DISCARDING, self.limits.body_timeout_s)
            else:
                self.linger()
        elif goes_on:
            self.enter(State.AWAITING_HEAD, self.limits.timeout_keep_alive)
        else:
            self.leave()
        if self.state < State.LINGERING and (self.parser.unread or self.at_eof):
            self.work_soon()
        self.update_reading()

    def on_upgraded(self, sink: ResponseSink, session: ByteSession) -> None:
        """The connection is the session's from now on: a tunnel takes it over."""
        self.flush()
        tunnel = Tunnel(self.endpoint, self.transport, self.left_to_write)
        if self.request is not None and self.endpoint.timed:
            tunnel.tell_of(self.request, sink.began_s)
        self.end_request(sink)
        self.enter(State.CLOSED, 0)
        tunnel.take_over(session, self.parser.take_unread(), self.at_eof)
        self.endpoint.unlink(self)

    def on_gave_up(self, sink: ResponseSink) -> None:
        if sink is not self.sink:
            return
        self.end_request(sink)
        self._wake_writers()
        if sink.ends_with_connection():
            self.break_off()
        else:
            self.leave()  # whole answers before this one may still be on their way

    def end_request(self, sink: ResponseSink) -> None:
        """The request in hand is answered, or never will be: forget it, and tell who watches."""
        request, self.request, self.stream, self.sink = self.request, None, None, None
        if request is not None:
            for observer in self.endpoint.observers:
                try:
                    observer.stream_ended(request, sink)
                except Exception:
                    logger.exception("An observer of requests failed")

    # ---- the end of the connection ----

    def update_reading(self) -> None:
        """Stop the client where its bytes have nowhere to go; one read may wait, so that its end is seen."""
        if self.state >= State.CLOSING:
            return
        if not self.parser.unread or self.state is State.LINGERING:
            self.reads_behind = 0
        pause = self.reads_behind > 0 or (self.body_paused and self.state is State.IN_REQUEST)
        if pause and not self.reading_paused:
            self.transport.pause_reading()
        elif self.reading_paused and not pause:
            self.transport.resume_reading()
        self.reading_paused = pause

    def end_of_input(self) -> None:
        """The peer has shut its side: end what needs more than it sent, once that is worked off."""
        if self.state is State.IN_REQUEST and not self.parser.in_body:
            if self.deadline_s is None and self.limits.half_close_timeout_s > 0:
                self.deadline_s = time.monotonic() + self.limits.half_close_timeout_s
        elif not (self.parser.unread and self.state < State.LINGERING):
            sink, stream = self.sink, self.stream
            if self.state is State.IN_REQUEST and sink is not None:
                sink.client_gone()  # its body will never be complete
                self.end_request(sink)
                if stream is not None:
                    stream.disconnect()
            self.close_after_write()

    def leave(self) -> None:
        """End in order, behind what was written last."""
        if self.parser.in_body or self.parser.unread or self.may_send_more:
            self.linger()
        else:
            self.close_after_write()

    def linger(self) -> None:
        """Shut our side, and drop what still comes until the peer's end: to close on unread bytes would reset
        the connection, and the peer might lose the answer (RFC 9112, 9.6)."""
        self.flush()
        if self.at_eof or self.limits.linger_timeout_s <= 0:
            return self.close_after_write()
        self.enter(State.LINGERING, self.limits.linger_timeout_s)
        self.linger_end_s = time.monotonic() + _LINGER_ROUNDS * self.limits.linger_timeout_s
        self.shut_side()
        return self.update_reading()

    def shut_side(self) -> None:
        """Tell the peer that nothing more comes, and go on reading."""
        try:
            self.transport.write_eof()
        except OSError:
            self.drop()  # there is no connection any more

    def break_off(self) -> None:
        """End a connection whose end would tell that the answer is whole: a reset tells that it is not."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.close_after_write()

    def close_after_write(self) -> None:
        if self.state < State.CLOSING:
            self.flush()
        if self.state < State.CLOSING:
            self.enter(State.CLOSING, self.limits.write_timeout_s)
            self.write_left = 0
            self.transport.close()

    def drain(self) -> None:
        if self.state is State.DISCARDING:
            self.linger()
        elif self.state is State.AWAITING_HEAD and not self.parser.unread and not self.parser.head_begun:
            had_a_request = self.addresses is not None
            if had_a_request or not self.endpoint.spares_newcomers:
                self.close_after_write()

    def drop(self) -> None:
        if self.state < State.CLOSED:
            self._unwritten.clear()
            self.enter(State.CLOSING, self.limits.write_timeout_s)
            self.transport.abort()

    # ---- deadlines ----

    def on_sweep(self, now_s: float) -> None:
        if self.writing_paused or self.state >= State.LINGERING:
            self.sweep_write(now_s)
        if self.state is State.IN_REQUEST:
            self.sweep_request(now_s)
        elif self.deadline_s is None or now_s < self.deadline_s:
            return
        elif self.state is State.AWAITING_HEAD:
            if self.parser.unread or (self.writing_paused and not self.head_clocked):
                return  # not idle: it takes its answers, or sweep_write ends it
            if self.parser.head_begun:
                self.refuse(408, "head not complete in time", b"")
            else:
                self.close_after_write()
        elif self.state is State.DISCARDING:
            self.linger()
        elif self.state is State.LINGERING and self.left_to_write() == 0:
            self.close_after_write()

    def sweep_request(self, now_s: float) -> None:
        if self.deadline_s is None or self.sink is None:
            return
        if not self.parser.in_body:
            if now_s >= self.deadline_s and self.stream is not None:
                # Half-closed long ago: the application should know that the client may be gone.
                self.deadline_s = None
                self.stream.disconnect()
        elif self.sink.owes_continue:
            self.deadline_s = now_s + self.limits.body_timeout_s
        elif not self.body_paused:
            earned_s = self.body_bytes / self.limits.body_rate_min_bytes_s
            if now_s >= self.deadline_s + earned_s:
                self.refuse(408, "body not complete in time", b"")

    def sweep_write(self, now_s: float) -> None:
        """A client that takes nothing for write_timeout_s is given up."""
        left = self.left_to_write()
        if left == 0 or self.limits.write_timeout_s <= 0:
            return
        if left != self.write_left:
            self.write_left = left
            self.write_deadline_s = now_s + self.limits.write_timeout_s
        elif now_s >= self.write_deadline_s:
            self.endpoint.stuck_clients += 1
            self.drop()

    def left_to_write(self) -> int:
        return self.transport.get_write_buffer_size()

    # ---- addresses ----

    def look_up_addresses(self) -> tuple[str, tuple[str, int] | None, Address | None]:
        """Scheme, the client's address and ours; asked for once, when the first request has come."""
        if self.addresses is None:
            transport = self.transport
            scheme = "http" if transport.get_extra_info("sslcontext") is None else "https"
            client = _address(transport.get_extra_info("peername"))
            name = transport.get_extra_info("sockname")
            server = (name, None) if isinstance(name, str) else _address(name)
            if self.introduced is not None:
                client, server, secure = self.introduced
                scheme = "https" if secure else scheme
            self.addresses = scheme, client, server
            if self.endpoint.request_filter is not None:
                self.request_filter = self.endpoint.request_filter.for_connection(client, server)
        return self.addresses


def _address(name: Any) -> tuple[str, int] | None:
    """`(host, port)` of an asyncio peername or sockname; None for a UNIX socket's."""
    return (str(name[0]), int(name[1])) if isinstance(name, (tuple, list)) and len(name) >= 2 else None
