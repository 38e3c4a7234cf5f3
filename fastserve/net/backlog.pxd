"""Bytes that were read and are not worked off yet."""

from fastserve.net.endpoint cimport Peer


cdef class Backlog(Peer):
    # For the end of the loop's turn, or for what is in hand to end
    cdef bytes waiting
    cdef Py_ssize_t waiting_at   # how much of it is used
    cdef list waiting_more       # behind it, or None

    cdef int keep(self, bytes data) except -1
    cdef int put_back(self, bytes data, Py_ssize_t at) except -1
    cdef bytes take_waiting(self)
    cdef int forget_waiting(self) except -1
