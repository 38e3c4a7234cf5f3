"""One HTTP/1 connection, from its first byte to its last."""

from libc.stdint cimport uint64_t

from fastserve.csrc.bounds cimport fs_limits
from fastserve.csrc.parser cimport fs_event, fs_parser
from fastserve.h1.sink cimport Channel, H1Sink
from fastserve.stream.filter cimport RequestFilter
from fastserve.stream.request cimport Request
from fastserve.stream.stream cimport Stream


cdef enum ConnectionState:
    AWAITING_HEAD   # no request in hand; a part of a head may have come
    IN_REQUEST      # a request is in hand: with the application, or its body still arrives
    DISCARDING      # answered before its body was complete: the rest is read and dropped
    LINGERING       # answered for the last time, our side is shut; bytes are dropped until the peer's end
    CLOSING         # the transport sends what is left, then closes
    CLOSED


cdef class Connection(Channel):
    cdef fs_parser parser
    cdef fs_limits parser_limits
    cdef ConnectionState state

    # The request in hand
    cdef Request request
    cdef Stream stream
    cdef H1Sink sink
    cdef H1Sink used_sink        # of the request before, for the next one
    cdef bint stream_started
    cdef bint upgrading          # the stream may ask for the connection; it starts behind the body
    cdef bint body_paused        # the application does not keep up
    cdef uint64_t body_bytes
    cdef bint may_send_more      # the client has not announced its end, or goes on behind it

    # The peer
    cdef str scheme
    cdef object client
    cdef object server
    cdef dict tls                # what ASGI's TLS extension tells of it, or None
    cdef bint addressed
    cdef bint introduced         # client and server are what a proxy said
    cdef bint secure             # it said that they speak TLS
    cdef RequestFilter request_filter  # for what this peer sends, or None
    cdef bint at_eof             # it has shut its side
    cdef bint reading_paused     # by us

    # Deadlines on the coarse clock; 0 for none
    cdef double deadline_s       # of the state
    cdef double linger_end_s
    cdef double body_paused_at_s
    cdef bint head_clocked       # deadline_s is that of a head that has begun

    cdef int enter(self, ConnectionState state, double timeout_s) except -1
    cdef int consume(self, bytes data, Py_ssize_t at) except -1
    cdef int work_off(self, bytes data, Py_ssize_t at) except -1
    cdef bint body_exceeds(self, size_t more) noexcept
    cdef int take_body(self, bytes data) except -1
    cdef int begin_request(self, fs_event event, bytes data) except -1
    cdef int start_stream(self) except -1
    cdef int refuse(self, int status, str reason, bytes excerpt) except -1
    cdef int end_request(self, H1Sink sink) except -1
    cdef int end_of_input(self) except -1
    cdef int leave(self) except -1
    cdef int linger(self) except -1
    cdef int shut_side(self) except -1
    cdef int break_off(self) except -1
    cdef int close_after_write(self) except -1
    cdef int wait(self, bytes data) except -1
    cdef bint may_work(self) noexcept
    cdef int update_reading(self) except -1
    cdef int look_up_addresses(self) except -1
    cdef int sweep_request(self, double now_s) except -1
