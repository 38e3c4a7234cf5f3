"""What happens on a WebSocket? (RFC 6455, 5.5 and 7)

A WebSocketSession stands between a channel of bytes and a stream of messages. It answers what the protocol has for
itself (ping, close), keeps the deadlines, and the order of the end: a Close is sent once and answered once, and what
was sent before it arrives. `enter` is the one place where its state changes.
"""

import logging
import time

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy

from fastserve.csrc.clock cimport fs_monotonic_s
from fastserve.csrc.utf8 cimport fs_utf8, fs_utf8_feed, fs_utf8_is_complete
from fastserve.csrc.wsframe cimport (
    FS_WS_BINARY, FS_WS_CLOSE, FS_WS_CONTROL_BYTES_MAX, FS_WS_PING, FS_WS_PONG, FS_WS_TEXT,
    fs_ws_close_code_is_valid, fs_ws_put_head,
)
from fastserve.stream.channel cimport ByteChannel
from fastserve.stream.messages cimport MessageSink
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream
from fastserve.ws.frames cimport FrameReader, MessageLimits

logger = logging.getLogger("fastserve.error")

# A payload above this goes to the channel as it is; below it, one copy is cheaper than a second piece.
cdef Py_ssize_t JOIN_BYTES_MAX = 16384

# How long a client that has closed waits for an application that is still busy with what it said before.
cdef double END_TIMEOUT_S = 1

# RFC 6455, 7.4.1
cdef int PROTOCOL_ERROR = 1002
cdef int NO_STATUS = 1005
cdef int ABNORMAL = 1006
cdef int INVALID_DATA = 1007
cdef int INTERNAL_ERROR = 1011

cdef object exact_time_s = time.monotonic


cdef class SessionSettings:
    """What the sessions of one server have in common.

    :param loop: the running event loop
    :param limits: an object with the attributes that the table of options calls ``ws_...``
    """

    def __init__(self, loop, limits):
        self.loop = loop
        self.message_limits = MessageLimits(limits.ws_max_size, limits.ws_fragments_max)
        self.deflate_bytes_min = limits.ws_deflate_bytes_min
        self.ping_interval_s = limits.ws_ping_interval or 0
        self.ping_timeout_s = limits.ws_ping_timeout or 0
        self.close_timeout_s = limits.ws_close_timeout_s
        self.shutdown_code = int(limits.ws_shutdown_code)


cdef class WebSocketSession(FrameReader):
    """One WebSocket. Made, and filled in, by fastserve.ws.handshake."""

    cdef int enter(self, SessionState state) except -1:
        cdef SessionSink sink = self.sink
        self.state = state
        self.discarding = state == CLOSING
        self.stopped = state == ENDED
        if state >= CLOSING:
            self.drop_body()
            sink.finished = True
        return 0

    # ---- what the driver does ----

    cdef int accept(self, str subprotocol, object headers) except -1:
        cdef Sink handshake = self.handshake
        cdef list fields = [(b"sec-websocket-accept", self.accept_key)]
        if subprotocol is not None:
            fields.append((b"sec-websocket-protocol", subprotocol.encode("latin-1")))
        headers = list(headers)
        refuse_ours(headers, subprotocol is not None)
        if self.deflate is not None:
            fields.append((b"sec-websocket-extensions", self.deflate.response()))
        fields.extend(headers)
        handshake.send_upgrade(b"websocket", fields, self)
        self.handshake = self.accept_key = None  # many sessions stay for long, and do little
        return 0

    cdef int opened(self, ByteChannel channel) except -1:
        self.channel = channel
        self.begin_frames()
        self.enter(OPEN)
        self.opened_at_s = fs_monotonic_s()
        if self.settings.ping_interval_s > 0:
            self.ping_at_s = self.opened_at_s + self.settings.ping_interval_s
        return 0

    cdef int send_message(self, object data) except -1:
        cdef Py_ssize_t size = 0
        cdef const char *payload
        cdef bytes owner = None
        cdef int opcode = FS_WS_BINARY
        if isinstance(data, str):
            opcode = FS_WS_TEXT
            payload = PyUnicode_AsUTF8AndSize(data, &size)
        else:
            owner = data if PyBytes_CheckExact(data) else as_bytes(data)
            payload = PyBytes_AS_STRING(owner)
            size = PyBytes_GET_SIZE(owner)
        if self.state != OPEN:
            return 0
        if self.deflate is not None and size >= self.settings.deflate_bytes_min:
            owner = self.deflate.compress(owner if owner is not None else PyBytes_FromStringAndSize(payload, size))
            return self.write_frame(opcode, PyBytes_AS_STRING(owner), PyBytes_GET_SIZE(owner), owner, True)
        return self.write_frame(opcode, payload, size, owner, False)

    cdef int close(self, int code, str reason) except -1:
        """Say why, and wait for the client to say so too."""
        cdef bytes text = reason.encode("utf-8")
        if not fs_ws_close_code_is_valid(code):
            raise ValueError(f"{code} is no close code that may be sent")
        if self.state != OPEN:
            return 0
        if self.sink.ending:
            return self.end_now()
        self.write_close(code, text)
        self.enter(CLOSING)
        if self.settings.close_timeout_s > 0:
            self.close_deadline_s = fs_monotonic_s() + self.settings.close_timeout_s
        if self.paused:
            self.paused = False
            self.channel.read_on()
        return 0

    # ---- frames out ----

    cdef int write_frame(self, int opcode, const char *payload, Py_ssize_t size, bytes owner,
                         bint compressed) except -1:
        """`owner` is the payload as an object, where there is one."""
        cdef char head[10]
        cdef size_t head_size = fs_ws_put_head(head, opcode, True, compressed, size)
        cdef bytes frame
        cdef ByteChannel channel = self.channel
        if size <= JOIN_BYTES_MAX:
            frame = PyBytes_FromStringAndSize(NULL, head_size + size)
            memcpy(PyBytes_AS_STRING(frame), head, head_size)
            memcpy(PyBytes_AS_STRING(frame) + head_size, payload, size)
            return channel.write(frame)
        channel.write(PyBytes_FromStringAndSize(head, head_size))
        return channel.write(owner if owner is not None else PyBytes_FromStringAndSize(payload, size))

    cdef int write_close(self, int code, bytes reason) except -1:
        """A code that may not be sent (1005) is an empty Close. A reason that does not fit is cut."""
        cdef bytes payload = b""
        if code != NO_STATUS:
            if len(reason) > FS_WS_CONTROL_BYTES_MAX - 2:
                reason = reason[:FS_WS_CONTROL_BYTES_MAX - 2].decode("utf-8", "ignore").encode("utf-8")
            payload = bytes((code >> 8, code & 0xff)) + reason
        return self.write_frame(FS_WS_CLOSE, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), payload, False)

    # ---- frames in ----

    cdef int on_message(self, object data) except -1:
        cdef Stream stream = self.stream
        return stream.push_message(data)

    cdef int on_control(self, int opcode, const char *payload, int size) except -1:
        cdef uint32_t ping = self.pings
        if opcode == FS_WS_CLOSE:
            return self.on_close(payload, size)
        if opcode == FS_WS_PING:
            if self.state == OPEN:
                self.send_pong(payload, size)
        elif self.pong_deadline_s > 0 and size == sizeof(ping) and memcmp(payload, &ping, size) == 0:
            self.pong_deadline_s = 0
            self.latency_s = exact_time_s() - self.ping_sent_s
        return 0

    cdef int on_close(self, const char *payload, int size) except -1:
        cdef fs_utf8 utf8 = fs_utf8(0)
        cdef int code = NO_STATUS
        cdef bytes reason = b""
        if size == 1:
            return self.on_fault(PROTOCOL_ERROR, "close code cut short")
        if size > 0:
            code = <unsigned char>payload[0] << 8 | <unsigned char>payload[1]
            if not fs_ws_close_code_is_valid(code):
                return self.on_fault(PROTOCOL_ERROR, "invalid close code")
            if fs_utf8_feed(&utf8, payload + 2, size - 2) != 0 or not fs_utf8_is_complete(&utf8):
                return self.on_fault(INVALID_DATA, "close reason is not UTF-8")
            reason = PyBytes_FromStringAndSize(payload + 2, size - 2)
        return self.begin_end(code, reason.decode("utf-8"), b"", False)

    cdef int on_fault(self, int code, str reason) except -1:
        return self.begin_end(code, reason, reason.encode("utf-8"), True)

    # ---- the end ----

    cdef int begin_end(self, int code, str reason, bytes told, bint more_may_come) except -1:
        """The client has closed, or must be closed. What it said before may still be answered: the end waits until the
        application has received that and asks for more, but not for long."""
        cdef Stream stream = self.stream
        self.stopped = True
        self.end_code = code
        self.end_reason = reason
        self.end_told = told
        self.end_more_may_come = more_may_come
        if self.state == OPEN and stream is not None and stream.is_busy():
            self.sink.ending = True
            self.end_deadline_s = fs_monotonic_s() + END_TIMEOUT_S
            return 0
        return self.end_now()

    cdef int end_now(self) except -1:
        self.sink.ending = False
        if self.state == OPEN:
            self.write_close(self.end_code, self.end_told)
        return self.end(self.end_code, self.end_reason, self.end_more_may_come)

    cdef int end(self, int code, str reason, bint more_may_come) except -1:
        cdef ByteChannel channel = self.channel
        self.enter(ENDED)
        self.tell_closed(code, reason)
        return channel.close(more_may_come)

    cdef int tell_closed(self, int code, str reason) except -1:
        cdef Stream stream = self.stream
        cdef SessionSink sink = self.sink
        self.stream = None
        sink.disconnected = True
        if stream is not None:
            self.close_code = code
            if logger.isEnabledFor(logging.DEBUG):
                logger.debug("WebSocket closed: %d %r after %.3f s, latency of the last pong %.1f ms", code, reason,
                             fs_monotonic_s() - self.opened_at_s, 1000 * self.latency_s)
            stream.push_close(code, reason)
        return 0

    cdef int muted(self) except -1:
        cdef SessionSink sink = self.sink
        sink.disconnected = True
        return 0

    cdef int lost(self) except -1:
        cdef bint ending = self.sink.ending
        self.sink.ending = False
        if self.state != ENDED:
            self.enter(ENDED)
        self.channel = None
        self.tell_closed(self.end_code if ending else ABNORMAL, self.end_reason if ending else "")
        logger.info("connection closed")
        return 0

    cdef int drain(self) except -1:
        """The server ends: the client is told to come again, and the application that there is nobody any more."""
        if self.state == OPEN:
            self.close(self.settings.shutdown_code, "")
            self.tell_closed(self.settings.shutdown_code, "")  # if it was not told of an earlier end
        return 0

    # ---- deadlines ----

    cdef int on_sweep(self, double now_s) except -1:
        cdef ByteChannel channel = self.channel
        if self.state == CLOSING:
            if self.close_deadline_s == 0 or now_s < self.close_deadline_s:
                return 0
            if not channel.writable():  # it still takes what was sent before the Close
                self.close_deadline_s = now_s + self.settings.close_timeout_s
                return 0
            return self.end(ABNORMAL, "", True)
        if self.state != OPEN:
            return 0
        if self.pong_owed is not None and channel.writable():
            self.write_frame(FS_WS_PONG, PyBytes_AS_STRING(self.pong_owed), PyBytes_GET_SIZE(self.pong_owed), None,
                             False)
            self.pong_owed = None
        if self.sink.ending:
            return self.end_now() if now_s >= self.end_deadline_s else 0
        if self.pong_deadline_s > 0:
            # Behind messages that the application has not taken, or behind a large one that arrives, a pong may wait;
            # and so may our ping, behind what a slow client has yet to take.
            if self.paused or not channel.writable() or self.is_arriving():
                self.pong_deadline_s = now_s + self.settings.ping_timeout_s
            elif now_s >= self.pong_deadline_s:
                return self.on_fault(INTERNAL_ERROR, "keepalive ping timeout")
        if self.paused:
            return 0
        if self.ping_at_s > 0 and now_s >= self.ping_at_s:
            return self.send_ping(now_s)
        return 0

    cdef bint is_arriving(self) noexcept:
        """Whether a frame has grown since this was asked last."""
        cdef uint64_t left = self.reader.left if self.reader.in_frame else 0
        cdef bint arriving = left > 0 and left != self.left_before
        self.left_before = left
        return arriving

    cdef int send_pong(self, const char *payload, int size) except -1:
        """A client that does not read is owed one pong, to its last ping (RFC 6455, 5.5.3): it cannot make us hold
        more by sending more."""
        if self.channel.writable():
            self.pong_owed = None
            return self.write_frame(FS_WS_PONG, payload, size, None, False)
        self.pong_owed = PyBytes_FromStringAndSize(payload, size)
        return 0

    cdef int send_ping(self, double now_s) except -1:
        cdef uint32_t ping
        if self.pong_deadline_s > 0:
            return 0
        self.pings += 1
        ping = self.pings
        self.ping_sent_s = exact_time_s()
        self.ping_at_s = now_s + self.settings.ping_interval_s
        if self.settings.ping_timeout_s > 0:
            self.pong_deadline_s = now_s + self.settings.ping_timeout_s
        return self.write_frame(FS_WS_PING, <const char *>&ping, sizeof(ping), None, False)


cdef class SessionSink(MessageSink):
    """A session, as its driver sees it."""

    cdef int accept(self, str subprotocol, object headers) except -1:
        cdef WebSocketSession session = self.session
        return session.accept(subprotocol, headers)

    cdef int send_message(self, object data) except -1:
        cdef WebSocketSession session = self.session
        return session.send_message(data)

    cdef int close(self, int code, str reason) except -1:
        cdef WebSocketSession session = self.session
        return session.close(code, reason)

    cdef int end_now(self) except -1:
        cdef WebSocketSession session = self.session
        return session.end_now()

    cdef int abort(self) except -1:
        return self.close(INTERNAL_ERROR, "")

    cdef bint head_sent(self) noexcept:
        return True

    cdef bint writable(self) noexcept:
        return self.session.channel is None or self.session.channel.writable()

    cdef object wait_writable(self):
        cdef ByteChannel channel = self.session.channel
        if channel is not None:
            return channel.wait_writable()
        future = self.session.settings.loop.create_future()
        future.set_result(None)
        return future

    cdef int pause_body(self) except -1:
        self.session.paused = True
        return 0

    cdef int resume_body(self) except -1:
        cdef WebSocketSession session = self.session
        cdef ByteChannel channel = session.channel
        session.paused = False
        return 0 if channel is None else channel.read_on()

    cdef int cork(self) except -1:
        """What is sent waits for the end of the loop's turn in any case."""
        return 0

    cdef int uncork(self) except -1:
        return 0


cdef int refuse_ours(list headers, bint has_subprotocol) except -1:
    """A second one of what the server says of the WebSocket itself would have clients fail (RFC 6455, 4.1)."""
    for field in headers:
        name = field[0] if isinstance(field, (tuple, list)) and field else None
        if not isinstance(name, bytes):
            continue  # whoever writes the head complains
        name = name.lower()
        if (name == b"sec-websocket-accept" or name == b"sec-websocket-extensions"
                or (has_subprotocol and name == b"sec-websocket-protocol")):
            raise ValueError(f"the server sends the response header {name.decode('ascii')} itself")
    return 0


cdef bytes as_bytes(object data):
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(memoryview(data))
    raise TypeError(f"a message must be str or bytes, not {type(data).__name__}")
