"""Requests as they were before the proxies."""

from fastserve.stream.filter cimport RequestFilter
from fastserve.stream.request cimport Request


cdef class ProxyHeaders(RequestFilter):
    cdef object trusted          # TrustedPeers
    cdef RequestFilter strangers  # for connections of peers that are not trusted, or None
    cdef bint reads_for
    cdef bint reads_proto
    cdef bint reads_host
    cdef bint reads_port
    cdef bint reads_forwarded
    cdef dict known              # what has been read lately, and the scheme it was read for -> Origin

    cdef object look_up(self, tuple key)


cdef class Stripper(RequestFilter):
    pass
