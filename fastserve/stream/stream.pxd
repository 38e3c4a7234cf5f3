"""The way of a request's body, from the protocol to the driver; and who drives."""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink


cdef class Stream:
    cdef int push_body(self, bytes data) except -1
    cdef int end_body(self) except -1
    cdef int start(self) except -1
    cdef int disconnect(self) except -1
    cdef int note_times(self) except -1
    cdef int expire(self) except -1
    cdef int push_message(self, object data) except -1
    cdef int push_close(self, int code, str reason) except -1
    cdef bint is_busy(self) noexcept


cdef class Driver:
    cdef Stream open(self, Request request, Sink sink)
    cpdef int in_flight(self) except -1
    cpdef int cancel_all(self) except -1
    cdef object when_idle(self)
    cdef int begin_turn(self) except -1
    cdef int end_turn(self) except -1
    cpdef int close(self) except -1
