"""A Request as an ASGI scope."""

from fastserve.stream.request cimport Request


cdef class ScopeMaker:
    cdef dict template            # of a request
    cdef dict websocket_template  # of one that asks for a WebSocket
    cdef dict extensions           # of a plain connection
    cdef dict tls_extensions       # the same of an encrypted one, but for its own
    cdef dict websocket_extensions
    cdef dict state
    cdef str prefix                # what a proxy took off the path
    cdef bytes raw_prefix

    # What the templates hold of the last request
    cdef str method
    cdef str http_version
    cdef str scheme
    cdef object server

    cdef int update_templates(self, Request request) except -1
    cdef dict fill(self, dict template, Request request)
    cdef dict make(self, Request request)
    cdef dict make_websocket(self, Request request, list subprotocols)
