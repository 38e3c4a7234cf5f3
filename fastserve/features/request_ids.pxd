"""Requests with names."""

from fastserve.stream.filter cimport RequestFilter
from fastserve.stream.request cimport Request


cdef class RequestIds(RequestFilter):
    cdef object trusted          # TrustedPeers
    cdef RequestFilter inner     # goes first, or None
    cdef bint believes           # what this peer says

    cdef int name(self, Request request) except -1
