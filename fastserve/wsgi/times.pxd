"""Where the time of a request in a thread goes."""

from posix.types cimport clockid_t

from fastserve.csrc.cpu cimport fs_cpu
from fastserve.stream.sink cimport Sink


cdef class ThreadClock:
    cdef fs_cpu cpu
    cdef clockid_t clock
    cdef bint is_shared          # other threads can read it


cdef class Times:
    # The loop's thread writes
    cdef double submitted_s      # to the threads
    cdef double stalled_s        # since when the client is slow; 0: it is not
    cdef double drained_s        # how long it was behind the application's end
    # The application's
    cdef ThreadClock thread      # while it has the request; None before
    cdef double taken_s          # by that
    cdef double taken_cpu_s
    cdef double parked_s         # since when it waits for the body or for room; 0: it does not
    cdef bint is_for_body
    cdef double body_wait_s
    cdef double room_wait_s
    cdef double done_s           # with the answer
    cdef double done_cpu_s

    cdef int submitted(self) noexcept
    cdef int stalled(self) noexcept
    cdef int caught_up(self) noexcept
    cdef int note(self, Sink sink) noexcept
    cdef int taken(self, ThreadClock thread) noexcept
    cdef int parks(self, bint is_for_body) noexcept
    cdef int unparked(self) noexcept
    cdef int done(self) noexcept
