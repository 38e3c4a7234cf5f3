"""A Request as an ASGI scope."""

from fastserve.stream.request cimport Request


cdef class ScopeMaker:
    cdef dict template
    cdef dict asgi
    cdef dict extensions
    cdef dict state

    cdef dict make(self, Request request)
