"""One WebSocket, from its acceptance to its end."""

from libc.stdint cimport uint64_t

from fastserve.stream.channel cimport ByteChannel
from fastserve.stream.messages cimport MessageSink
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream
from fastserve.ws.frames cimport FrameReader, MessageLimits


cdef enum SessionState:
    HANDSHAKE   # the application has not accepted
    OPEN
    CLOSING     # our Close is sent, the client's is not here yet
    ENDED       # nothing passes any more


cdef class SessionSettings:
    cdef object loop
    cdef MessageLimits message_limits
    cdef Py_ssize_t deflate_bytes_min
    cdef double ping_interval_s      # 0: none
    cdef double ping_timeout_s       # 0: none
    cdef double close_timeout_s      # 0: none
    cdef int shutdown_code


cdef class WebSocketSession(FrameReader):
    cdef SessionSettings settings
    cdef SessionState state
    cdef bytes accept_key
    cdef Sink handshake              # what answers the request, until then
    cdef SessionSink sink            # what the driver has of us
    cdef Stream stream               # what we have of the driver, until it was told of the end
    cdef ByteChannel channel         # None before and after

    # How it will end, once the application is done with the messages before
    cdef int end_code
    cdef str end_reason
    cdef bytes end_told              # the reason that the client gets
    cdef bint end_more_may_come

    # On the coarse clock; 0 for none
    cdef double end_deadline_s       # until when the application may take its time
    cdef double ping_at_s            # when the next ping goes out
    cdef double pong_deadline_s      # until when it has to be answered
    cdef uint64_t left_before        # of the frame that was arriving then: whether it still does
    cdef double close_deadline_s     # until when our Close has to be
    cdef double opened_at_s

    # On the exact clock
    cdef double ping_sent_s
    cdef double latency_s            # of the last pong; 0 before the first
    cdef bytes pong_owed             # to the last ping of a client that does not read; or None
    cdef unsigned int pings          # sent: the number is a ping's payload

    cdef int enter(self, SessionState state) except -1
    cdef int accept(self, str subprotocol, object headers) except -1
    cdef int send_message(self, object data) except -1
    cdef int close(self, int code, str reason) except -1
    cdef int write_frame(self, int opcode, const char *payload, Py_ssize_t size, bytes owner, bint compressed) except -1
    cdef int write_close(self, int code, bytes reason) except -1
    cdef int on_close(self, const char *payload, int size) except -1
    cdef int begin_end(self, int code, str reason, bytes told, bint more_may_come) except -1
    cdef int end_now(self) except -1
    cdef int end(self, int code, str reason, bint more_may_come) except -1
    cdef int tell_closed(self, int code, str reason) except -1
    cdef bint is_arriving(self) noexcept
    cdef int send_pong(self, const char *payload, int size) except -1
    cdef int send_ping(self, double now_s) except -1


cdef class SessionSink(MessageSink):
    cdef WebSocketSession session
