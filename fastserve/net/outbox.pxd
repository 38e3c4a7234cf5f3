"""When do bytes reach the transport? Once per batch; and a slow client stops the writer."""

from fastserve.net.turn cimport Turn, Writer


cdef class Outbox(Writer):
    cdef Turn turn
    cdef object transport
    cdef object write          # transport.write, bound once
    cdef bytes first           # the first piece that waits; most answers are one piece
    cdef list rest             # the others, or None
    cdef list waiters          # futures of writers that wait for room, or None
    cdef Py_ssize_t waiting_bytes
    cdef Py_ssize_t bytes_max
    cdef int corks
    cdef readonly bint paused  # the transport holds more than its high-water mark; never when closed
    cdef readonly bint closed

    cdef int put(self, bytes piece) except -1
    cdef int flush_if_open(self) except -1
    cdef inline void cork(self) noexcept
    cdef inline int uncork(self) except -1
    cdef int pause(self) except -1
    cdef int resume(self) except -1
    cdef object wait_for_room(self)
    cdef int close(self) except -1
    cdef int wake(self) except -1
