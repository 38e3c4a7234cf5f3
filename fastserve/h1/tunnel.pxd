"""A connection that is HTTP's no more."""

from libc.stdint cimport uint64_t

from fastserve.net.backlog cimport Backlog
from fastserve.net.endpoint cimport Endpoint
from fastserve.net.outbox cimport Outbox
from fastserve.stream.channel cimport ByteChannel, ByteSession
from fastserve.stream.request cimport Request


cdef enum TunnelState:
    PASSING      # bytes pass
    LINGERING    # our side is shut; bytes are dropped until the peer's end
    CLOSING      # the transport sends what is left, then closes
    CLOSED


cdef class Tunnel(Backlog):
    cdef Outbox outbox
    cdef object transport
    cdef ByteSession session
    cdef TunnelState state
    cdef double deadline_s       # of the end: until when the peer may take its time
    cdef bint at_eof             # the peer has shut its side
    cdef bint reading_paused     # by us
    cdef bint blocked            # the session takes no more for the moment
    cdef Request request         # what it was, where somebody wants to hear of its end; else None
    cdef double began_s          # as the sink's
    cdef uint64_t bytes_received
    cdef uint64_t bytes_sent

    cdef int take_over(self, Endpoint endpoint, object transport, Outbox outbox, ByteSession session) except -1
    cdef int enter(self, TunnelState state) except -1
    cdef int wait(self, bytes data) except -1
    cdef int push(self) except -1
    cdef int update_reading(self) except -1
    cdef int end_of_input(self) except -1
    cdef int leave(self) except -1
    cdef int end(self, bint more_may_come) except -1
    cdef int tell_lost(self) except -1
    cdef int tell_observers(self, int close_code) except -1


cdef class TunnelChannel(ByteChannel):
    cdef Tunnel tunnel
    cdef Outbox outbox
