"""When do bytes reach the transport? Once per batch; and a slow client stops the writer."""

from libc.stdint cimport int64_t, uint64_t

from fastserve.net.turn cimport Turn, Writer


cdef class Bypass:
    cdef readonly int64_t left   # bytes to write

    cdef int on_drained(self) except -1
    cdef int stop(self) except -1


cdef class Outbox(Writer):
    cdef Turn turn
    cdef object transport
    cdef object wire           # the transport beneath it, under TLS, or None
    cdef int socket            # the transport's, for what the kernel takes at once; or UNUSED, UNASKED, NONE
    cdef bint in_transport     # the transport was given bytes, and may hold them still
    cdef bytes first           # the first piece that waits; most answers are one piece
    cdef list rest             # the others, or None
    cdef Bypass bypass         # what writes past the transport, or None: then nothing is put here
    cdef list waiters          # futures of writers that wait for room, or None
    cdef Py_ssize_t waiting_bytes
    cdef Py_ssize_t bytes_max
    cdef int corks
    cdef uint64_t left_before  # to write, when is_stuck was asked last
    cdef double moved_at_s     # since when it has been as much; on the coarse clock
    cdef readonly bint paused  # the transport holds more than its high-water mark, or is bypassed; never when closed
    cdef readonly bint closed

    cdef int put(self, bytes piece) except -1
    cdef int flush_if_open(self) except -1
    cdef int write(self, bytes data) except -1
    cdef bint may_send(self) except -1
    cdef inline void cork(self) noexcept
    cdef inline int uncork(self) except -1
    cdef int pause(self) except -1
    cdef int resume(self) except -1
    cdef object wait_for_room(self)
    cdef int close(self) except -1
    cdef int wake(self) except -1
    cdef int bypass_by(self, Bypass bypass) except -1
    cdef int bypassed(self) except -1
    cdef int stop_bypass(self) except -1
    cdef bint is_drained(self) except -1
    cdef uint64_t left_to_write(self) except? 0
    cdef bint is_stuck(self, double now_s, double timeout_s) except -1
