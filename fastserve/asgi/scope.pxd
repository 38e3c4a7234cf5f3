"""A Request as an ASGI scope."""

from fastserve.stream.request cimport Request


cdef class ScopeMaker:
    cdef dict template
    cdef dict extensions       # of a plain connection
    cdef dict tls_extensions   # the same of an encrypted one, but for its own
    cdef dict state
    cdef str prefix            # what a proxy took off the path
    cdef bytes raw_prefix

    # What the template holds of the last request
    cdef str method
    cdef str http_version
    cdef str scheme
    cdef object server

    cdef int update_template(self, Request request) except -1
    cdef dict make(self, Request request)
    cdef dict make_websocket(self, Request request, list subprotocols)
