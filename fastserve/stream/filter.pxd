"""Who may say something about a request before a driver gets it?"""

from fastserve.stream.request cimport Request


cdef class RequestFilter:
    cdef RequestFilter for_connection(self, object client, object server)
    cdef int apply(self, Request request) except -1
