"""What happens to these bytes now? (RFC 9112, 9: connections)

A Connection is the asyncio protocol of one client. It feeds the parser, hands one request at a time to the driver, and
decides what becomes of the connection: `enter` is the one place where its state changes. Bytes behind an unfinished
request wait unparsed, so that answers need no queue to be in order.

A call into a stream or a sink may end its request and release both. The C call itself holds no reference to the object
that it is made on, so such calls are made on a local variable, never on the attribute.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t

import logging
import socket
import struct

from fastserve.csrc.clock cimport fs_monotonic_s
from fastserve.csrc.debug cimport FS_DEBUG
from fastserve.csrc.llhttp cimport HTTP_HEAD
from fastserve.csrc.parser cimport (
    FS_END, FS_ERROR, FS_HEAD, FS_HEAD_END, fs_event, fs_parser_destroy, fs_parser_feed,
    fs_parser_head_begun, fs_parser_init, fs_parser_release_body, fs_parser_release_head,
)
from fastserve.csrc.rules cimport fs_judge_parser, fs_verdict
from fastserve.h1.parser cimport build_request
from fastserve.h1.sink cimport Channel, H1Sink
from fastserve.h1.tunnel cimport Tunnel
from fastserve.net.addresses cimport ends_of
from fastserve.net.debug cimport live
from fastserve.net.endpoint cimport Endpoint
from fastserve.net.outbox cimport Outbox
from fastserve.stream.channel cimport ByteSession
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer
from fastserve.stream.stream cimport Stream

logger = logging.getLogger("fastserve.error")

# What is larger than requests usually are is worked off when it is read, so that it need not be kept.
cdef Py_ssize_t TURN_BYTES_MAX = 16384
cdef int LINGER_ROUNDS = 10  # the whole of lingering, in units of linger_timeout_s
cdef Py_ssize_t EXCERPT_BYTES = 64
cdef char TLS_HANDSHAKE = 22  # the first byte of a ClientHello's record (RFC 8446, 5.1); no method begins with it
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


cdef class Connection(Channel):
    """The protocol object of one HTTP/1 client, for ``loop.create_server(lambda: Connection(endpoint))``.

    :param endpoint: what it shares with the server's other connections
    """

    def __cinit__(self, Endpoint endpoint not None):
        limits = endpoint.limits
        self.endpoint = endpoint
        self.parser_limits.request_line_bytes_max = limits.request_line_bytes_max
        self.parser_limits.header_bytes_max = limits.header_bytes_max
        self.parser_limits.header_count_max = limits.header_count_max
        self.parser_limits.chunk_extension_bytes_max = limits.chunk_extension_bytes_max
        fs_parser_init(&self.parser, &self.parser_limits)
        if FS_DEBUG:
            live.connections += 1

    def __dealloc__(self):
        fs_parser_destroy(&self.parser)
        if FS_DEBUG:
            live.connections -= 1

    cdef int enter(self, ConnectionState state, double timeout_s) except -1:
        self.state = state
        self.deadline_s = fs_monotonic_s() + timeout_s if timeout_s > 0 else 0
        self.head_clocked = False
        return 0

    # ---- asyncio.Protocol ----

    def connection_made(self, transport):
        self.transport = transport
        self.outbox = Outbox(transport, self.endpoint.turn, self.endpoint.write_buffer_bytes_max)
        transport.set_write_buffer_limits(self.endpoint.write_buffer_bytes_max)
        self.endpoint.link(self)
        self.enter(AWAITING_HEAD, self.endpoint.head_timeout_s)
        if self.endpoint.draining:
            self.drain()

    def introduce(self, client, server, bint secure):
        """A proxy that speaks for its client has said who that is, where it came to, and whether by TLS."""
        self.introduced = True
        self.client = client
        self.server = server
        self.secure = secure

    def data_received(self, data):
        if not PyBytes_CheckExact(data):
            data = bytes(data)
        if self.state == LINGERING:
            self.deadline_s = min(fs_monotonic_s() + self.endpoint.linger_timeout_s, self.linger_end_s)
        elif self.waiting is not None or (self.state == AWAITING_HEAD and PyBytes_GET_SIZE(data) <= TURN_BYTES_MAX):
            self.wait(<bytes>data)
        else:
            self.consume(<bytes>data, 0)

    def eof_received(self):
        """Whether the transport stays open: a client that has sent its request may shut its side and still read."""
        self.at_eof = True
        self.end_of_input()
        return self.state < CLOSING

    def pause_writing(self):
        self.outbox.pause()

    def resume_writing(self):
        self.outbox.resume()
        if self.waiting is not None:
            self.endpoint.turn.add_reader(self)
        elif self.state == AWAITING_HEAD and not self.head_clocked:
            self.enter(AWAITING_HEAD, self.endpoint.keep_alive_timeout_s)  # idle from now on

    def connection_lost(self, exc):
        cdef H1Sink sink = self.sink
        cdef Stream stream = self.stream
        self.enter(CLOSED, 0)
        self.endpoint.unlink(self)
        if sink is not None:
            sink.client_gone()
            self.end_request(sink)
        self.used_sink = None
        self.outbox.close()
        self.forget_waiting()
        self.transport = None
        fs_parser_destroy(&self.parser)
        if stream is not None:
            stream.disconnect()

    # ---- bytes in ----

    cdef int consume(self, bytes data, Py_ssize_t at) except -1:
        self.outbox.cork()
        try:
            self.work_off(data, at)
            if self.stream is not None and not self.stream_started and not (self.upgrading and self.parser.in_body):
                self.start_stream()
        finally:
            self.outbox.uncork()
        if self.state == AWAITING_HEAD:
            if self.waiting is not None:
                self.endpoint.turn.add_reader(self)
            elif not self.head_clocked and fs_parser_head_begun(&self.parser):
                self.enter(AWAITING_HEAD, self.endpoint.head_timeout_s)
                self.head_clocked = True
            elif self.endpoint.draining:
                self.drain()
        return 0

    cdef int work_off(self, bytes data, Py_ssize_t at) except -1:
        """One event after the other, until the bytes are used up, or must wait, or are for nobody."""
        cdef const char *start = PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef int served = 0
        cdef size_t consumed = 0
        cdef fs_event event
        cdef Stream stream
        while at < size and self.state <= DISCARDING:
            if not self.parser.in_body:
                if self.state == IN_REQUEST or self.outbox.paused or served >= self.endpoint.pipelined_requests_max:
                    self.put_back(data, at)
                    return self.update_reading()
            event = fs_parser_feed(&self.parser, start + at, size - at, &consumed)
            if event == FS_ERROR:
                if self.body_exceeds(self.parser.body.dropped):  # as if the error had come with a later read
                    return self.refuse(413, "body too large", b"")
                reason = self.parser.refusal.reason.decode("ascii")
                if start[at] == TLS_HANDSHAKE and not self.parser.in_body and not self.head_clocked:
                    reason = "TLS handshake on a plain HTTP port"
                return self.refuse(self.parser.refusal.status, reason, data[at:at + EXCERPT_BYTES])
            at += consumed
            if self.parser.body.len > 0:
                self.take_body(data)
            if event == FS_HEAD or event == FS_HEAD_END:
                served += 1
                self.may_send_more = at < size
                self.begin_request(event, data)
            elif event == FS_END:
                fs_parser_release_body(&self.parser)
                if self.state == DISCARDING:
                    self.enter(AWAITING_HEAD, self.endpoint.keep_alive_timeout_s)
                elif self.state == IN_REQUEST:
                    self.deadline_s = 0
                    self.sink.owes_continue = False  # nobody waits for one behind the body
                    stream = self.stream
                    stream.end_body()
                    if not self.stream_started and not self.upgrading:
                        self.start_stream()
        return 0

    cdef int begin_request(self, fs_event event, bytes data) except -1:
        cdef fs_verdict verdict
        cdef Request request
        cdef H1Sink sink
        cdef bint has_body = event == FS_HEAD
        cdef bint is_1_0 = self.parser.http.http_minor == 0
        cdef bint is_head
        cdef bint keep_alive
        fs_judge_parser(&self.parser, &verdict)
        if verdict.status != 0 and verdict.status != 417:
            return self.refuse(verdict.status, verdict.reason.decode("ascii"),
                               PyBytes_FromStringAndSize(self.parser.base, min(self.parser.head.end, EXCERPT_BYTES)))
        request = build_request(&self.parser, &verdict)
        fs_parser_release_head(&self.parser)
        if not self.addressed:
            self.look_up_addresses()
        request.scheme = self.scheme
        request.client = self.client
        request.server = self.server
        request.tls = self.tls
        if self.request_filter is not None:
            self.request_filter.apply(request)
        is_head = self.parser.http.method == HTTP_HEAD
        self.request = request
        self.may_send_more = self.may_send_more or verdict.keep_alive
        keep_alive = verdict.keep_alive and self.endpoint.keep_alive_timeout_s > 0
        self.used_sink, sink = None, self.used_sink
        sink = H1Sink.create(self, sink, is_head, is_1_0, keep_alive, verdict.expects_continue and has_body)
        self.sink = sink
        self.endpoint.total_requests += 1
        self.body_bytes = 0
        self.body_paused = False
        self.enter(IN_REQUEST, self.endpoint.body_timeout_s if has_body else 0)
        if verdict.status != 0:
            self.endpoint.count_refusal(verdict.reason.decode("ascii"))
            return sink.send_error(verdict.status)
        if self.endpoint.concurrency_max > 0 and self.endpoint.is_crowded():
            return sink.send_error(503)
        if self.endpoint.body_bytes_max > 0 and verdict.content_length > <uint64_t>self.endpoint.body_bytes_max:
            self.endpoint.count_refusal("body too large")
            return sink.send_error(413)
        self.stream_started = False
        if verdict.upgrade and self.endpoint.upgrade is not None:
            self.stream = self.endpoint.upgrade.open(request, sink)
            if sink.finished:
                return 0
        self.upgrading = self.stream is not None
        if not self.upgrading:
            self.stream = self.endpoint.driver.open(request, sink)
        if not has_body:
            self.stream.end_body()
            if not self.upgrading:
                self.start_stream()
        return 0

    cdef int start_stream(self) except -1:
        cdef Stream stream = self.stream
        self.stream_started = True
        if self.upgrading and self.endpoint.upgrade.answer_timeout_s > 0:
            self.deadline_s = fs_monotonic_s() + self.endpoint.upgrade.answer_timeout_s
        return stream.start()

    cdef bint body_exceeds(self, size_t more) noexcept:
        """Whether so many bytes more than were taken are too many for the body in hand."""
        return self.state == IN_REQUEST and 0 < <uint64_t>self.endpoint.body_bytes_max < self.body_bytes + more

    cdef int take_body(self, bytes data) except -1:
        cdef size_t size = self.parser.body.len
        cdef Stream stream = self.stream
        cdef bytes part
        if self.state != IN_REQUEST:
            self.body_bytes += size
            if self.state == DISCARDING and self.body_bytes > <uint64_t>self.endpoint.discard_bytes_max:
                self.linger()
            return 0
        self.body_bytes += size
        self.sink.bytes_received = self.body_bytes
        self.sink.owes_continue = False  # it did not wait for one
        if self.body_exceeds(0):
            return self.refuse(413, "body too large", b"")
        if self.parser.body.data == PyBytes_AS_STRING(data) and <Py_ssize_t>size == PyBytes_GET_SIZE(data):
            part = data
        else:
            part = PyBytes_FromStringAndSize(self.parser.body.data, size)
        return stream.push_body(part)

    cdef int refuse(self, int status, str reason, bytes excerpt) except -1:
        """Answer what is no request, or no body, and end. A request in hand has not been answered by anybody else."""
        cdef H1Sink sink = self.sink
        cdef Stream stream = self.stream
        if self.state == DISCARDING:
            return self.linger()
        self.may_send_more = True
        self.endpoint.count_refusal(reason)
        if status != 413:
            self.endpoint.bad_request(self.peer_name(), status, reason, excerpt)
        if sink is None:
            fs_parser_release_head(&self.parser)
            sink = self.sink = H1Sink.create(self, None, False, False, False, False)
        elif sink.head_sent():
            sink.disconnected = True
            sink.abort()
            if stream is not None and self.state >= LINGERING:
                stream.disconnect()
            return 0
        sink.send_error(status)
        sink.disconnected = True
        if stream is not None and self.stream_started:
            stream.disconnect()
        return 0

    # ---- the answer's end ----

    cdef int end_request(self, H1Sink sink) except -1:
        """The request in hand is answered, or never will be: forget it, and tell who watches."""
        cdef Request request = self.request
        cdef Observer observer
        sink.note_end(self.stream)
        self.request = self.stream = None
        self.sink = None
        if request is not None:
            for observer in self.endpoint.observers:
                try:
                    observer.stream_ended(request, sink)
                except Exception:
                    logger.exception("An observer of requests failed")
        return 0

    cdef int on_answered(self, H1Sink sink) except -1:
        if sink is not self.sink:
            return 0
        self.end_request(sink)
        if self.state >= DISCARDING:
            return 0
        if self.parser.in_body:
            if sink.keep_alive and not self.endpoint.last_answers and not (self.at_eof and self.waiting is None):
                self.body_bytes = 0
                self.enter(DISCARDING, self.endpoint.body_timeout_s)
            else:
                self.linger()
        elif sink.keep_alive and not self.endpoint.last_answers:
            self.used_sink = sink
            self.enter(AWAITING_HEAD, self.endpoint.keep_alive_timeout_s)
            if self.outbox.corks == 0 and (self.waiting is not None or self.at_eof):
                self.endpoint.turn.add_reader(self)
        else:
            self.leave()
        if self.reading_paused:
            self.update_reading()  # the application may have left a body unread
        return 0

    cdef int on_upgraded(self, H1Sink sink, ByteSession session) except -1:
        """The connection is the session's from now on: a tunnel takes it over, with what was read behind the head."""
        cdef Tunnel tunnel = Tunnel.__new__(Tunnel)
        tunnel.waiting, tunnel.waiting_at, tunnel.waiting_more = self.waiting, self.waiting_at, self.waiting_more
        tunnel.at_eof, tunnel.reading_paused = self.at_eof, self.reading_paused
        tunnel.began_s, tunnel.request = sink.began_s, self.request if sink.began_s > 0 else None
        self.forget_waiting()
        self.end_request(sink)
        self.enter(CLOSED, 0)
        tunnel.take_over(self.endpoint, self.transport, self.outbox, session)
        self.endpoint.unlink(self)
        self.transport = None
        return 0

    cdef int on_gave_up(self, H1Sink sink) except -1:
        if sink is not self.sink:
            return 0
        self.end_request(sink)
        self.outbox.wake()
        if self.state >= CLOSING:
            return 0
        if not sink.has_length and not sink.chunked and not sink.no_body and sink.head_sent():
            return self.break_off()
        return self.leave()  # whole answers before this one may still be on their way

    cdef int on_body_paused(self, bint paused) except -1:
        if paused == self.body_paused:
            return 0
        self.body_paused = paused
        if paused:
            self.body_paused_at_s = fs_monotonic_s()
        elif self.deadline_s > 0 and self.parser.in_body:
            self.deadline_s += fs_monotonic_s() - self.body_paused_at_s
        return self.update_reading()

    cdef int on_uncorked(self) except -1:
        if self.state == AWAITING_HEAD and (self.waiting is not None or self.at_eof):
            self.endpoint.turn.add_reader(self)
        return 0

    # ---- bytes that wait ----

    cdef int wait(self, bytes data) except -1:
        self.keep(data)
        return self.endpoint.turn.add_reader(self) if self.waiting_more is None else self.update_reading()

    cdef bint may_work(self) noexcept:
        """Whether the next bytes have somewhere to go: into the body in hand, or to a next request."""
        if self.state == IN_REQUEST or self.state == DISCARDING:
            return self.parser.in_body
        return self.state == AWAITING_HEAD and not self.outbox.paused

    cdef int work(self) except -1:
        """From the turn: work off what waits, as far as it goes."""
        cdef Py_ssize_t at
        while self.waiting is not None and self.may_work():
            at = self.waiting_at
            self.consume(self.take_waiting(), at)
            if self.is_reader:
                break  # there was enough for this turn
        self.update_reading()
        if self.at_eof:
            self.end_of_input()
        return 0

    cdef int update_reading(self) except -1:
        cdef bint pause
        if self.state >= CLOSING:
            return 0
        pause = self.waiting_more is not None
        if self.body_paused and self.state == IN_REQUEST:
            pause = True
        if pause and not self.reading_paused:
            self.reading_paused = True
            self.transport.pause_reading()
        elif not pause and self.reading_paused:
            self.reading_paused = False
            self.transport.resume_reading()
        return 0

    # ---- the end of the connection ----

    cdef int end_of_input(self) except -1:
        """The peer has shut its side: end what needs more than it sent, once that is worked off."""
        cdef H1Sink sink = self.sink
        cdef Stream stream = self.stream
        if self.state == IN_REQUEST and not self.parser.in_body:
            if (self.deadline_s == 0 or self.upgrading) and self.endpoint.half_close_timeout_s > 0:
                self.deadline_s = fs_monotonic_s() + self.endpoint.half_close_timeout_s
            return 0
        if self.waiting is not None:
            return 0
        if self.state == IN_REQUEST:
            sink.client_gone()  # its body will never be complete
            self.end_request(sink)
            stream.disconnect()
        return self.close_after_write()

    cdef int leave(self) except -1:
        cdef bint more = self.parser.in_body or self.waiting is not None or self.may_send_more
        return self.linger() if more else self.close_after_write()

    cdef int linger(self) except -1:
        """Shut our side, and drop what still comes until the peer's end: closing on unread bytes would reset the
        connection, and the peer might lose the answer (RFC 9112, 9.6)."""
        self.outbox.flush()
        self.forget_waiting()
        if self.at_eof or self.endpoint.linger_timeout_s <= 0:
            return self.close_after_write()
        self.enter(LINGERING, self.endpoint.linger_timeout_s)
        self.linger_end_s = self.deadline_s + (LINGER_ROUNDS - 1) * self.endpoint.linger_timeout_s
        self.shut_side()
        return self.update_reading()

    cdef int shut_side(self) except -1:
        """Tell the peer that nothing more comes, and go on reading."""
        if not self.transport.can_write_eof():  # a transport that is not ours to know
            return self.close_after_write()
        try:
            self.transport.write_eof()
        except OSError:
            return self.drop()  # there is no connection any more
        return 0

    cdef int break_off(self) except -1:
        """End a connection whose end would tell that the answer is whole: only a reset tells that it is not."""
        sock = self.transport.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        return self.close_after_write()

    cdef int close_after_write(self) except -1:
        if self.state >= CLOSING:
            return 0
        self.outbox.flush()
        self.forget_waiting()
        self.enter(CLOSING, self.endpoint.write_timeout_s)
        self.outbox.left_before = 0
        self.transport.close()
        return 0

    cdef int drain(self) except -1:
        if self.state == DISCARDING:
            return self.linger()
        if self.state != AWAITING_HEAD or self.waiting is not None or fs_parser_head_begun(&self.parser):
            return 0
        # Not addressed: it has had no request.
        return 0 if self.endpoint.spares_newcomers and not self.addressed else self.close_after_write()

    cdef int drop(self) except -1:
        if self.transport is not None:
            self.enter(CLOSING, self.endpoint.write_timeout_s)
            self.transport.abort()
        return 0

    # ---- deadlines ----

    cdef int on_sweep(self, double now_s) except -1:
        if ((self.outbox.paused or self.state >= LINGERING)
                and self.outbox.is_stuck(now_s, self.endpoint.write_timeout_s)):
            self.endpoint.stuck_clients += 1
            self.drop()  # it takes nothing
        if self.state == IN_REQUEST:
            return self.sweep_request(now_s)
        if self.deadline_s == 0 or now_s < self.deadline_s:
            return 0
        if self.state == AWAITING_HEAD:
            if self.waiting is not None or (self.outbox.paused and not self.head_clocked):
                return 0  # not idle: it takes its answers, or sweep_write ends it
            if fs_parser_head_begun(&self.parser):
                return self.refuse(408, "head not complete in time", b"")
            return self.close_after_write()
        if self.state == DISCARDING:
            return self.linger()
        if self.state == LINGERING and self.outbox.left_to_write() == 0:
            return self.close_after_write()
        return 0

    cdef int sweep_request(self, double now_s) except -1:
        cdef double deadline_s = self.deadline_s
        cdef Stream stream = self.stream
        if deadline_s == 0:
            return 0
        if not self.parser.in_body:
            if now_s >= deadline_s:
                self.deadline_s = 0
                if self.upgrading:
                    stream.expire()
                if self.at_eof:  # half-closed long ago: the application should know that the client may be gone
                    stream.disconnect()
            return 0
        if self.body_paused:
            return 0
        if self.sink.owes_continue:
            self.deadline_s = now_s + self.endpoint.body_timeout_s
            return 0
        if self.endpoint.body_rate_min_bytes_s > 0:
            deadline_s += <double>self.body_bytes / self.endpoint.body_rate_min_bytes_s
        if now_s >= deadline_s:
            return self.refuse(408, "body not complete in time", b"")
        return 0

    # ---- addresses ----

    cdef int look_up_addresses(self) except -1:
        self.addressed = True
        self.scheme, client, server = ends_of(self.transport)
        if self.introduced:
            client, server = self.client, self.server
            if self.secure:
                self.scheme = "https"
        self.client = client
        self.server = self.endpoint.shared_address(server)
        if self.endpoint.request_filter is not None:
            self.request_filter = self.endpoint.request_filter.for_connection(self.client, self.server)
        return 0

    def peer_name(self):
        """``(host, port)`` of the client, or None where it has none."""
        if not self.addressed and self.transport is not None:
            self.look_up_addresses()
        return self.client
