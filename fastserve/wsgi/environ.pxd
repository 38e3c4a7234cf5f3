"""A Request as a WSGI environ."""

from fastserve.stream.request cimport Request


cdef class EnvironMaker:
    cdef dict template
    cdef str prefix          # SCRIPT_NAME; not empty only where paths begin with it
    cdef bint is_stripped    # paths do not begin with it
    cdef tuple address       # of our side, lately: (request.server, SERVER_NAME, SERVER_PORT)

    cdef dict make(self, Request request, object body, object early_hints)
    cdef int put_path(self, dict environ, Request request) except -1
    cdef int put_server(self, dict environ, Request request) except -1
