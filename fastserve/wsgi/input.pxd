"""The request's body, as a WSGI application reads it."""

from fastserve.wsgi.parking cimport Parking


cdef class Input:
    cdef Parking parking         # where the application waits for the body, or None
    cdef object parts            # a deque of bytes that have arrived
    cdef Py_ssize_t at           # how much of the first one is read
    cdef Py_ssize_t held_bytes   # of all of them, not yet read
    cdef Py_ssize_t held_bytes_max
    cdef Py_ssize_t wanted_bytes   # wake the application when so many have arrived
    cdef bint ended              # the body is complete
    cdef bint lost               # and never will be
    cdef bint paused             # the client is stopped

    cdef int push(self, bytes data) except -1
    cdef int end(self) except -1
    cdef int lose(self) except -1
    cdef int wake(self) except -1
    cdef int ask(self) except -1
    cdef bint has_data(self, Py_ssize_t wanted_bytes) except -1
    cdef bytes take(self, Py_ssize_t size)
    cdef bytes take_line(self, Py_ssize_t size)
    cdef int taken(self, Py_ssize_t size) except -1


cdef class NoInput:
    pass


cdef NoInput NO_INPUT
