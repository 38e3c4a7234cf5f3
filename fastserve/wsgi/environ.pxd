"""A Request as a WSGI environ."""

from fastserve.stream.request cimport Request


cdef class EnvironMaker:
    cdef dict template
    cdef str prefix          # SCRIPT_NAME; not empty only where paths begin with it
    cdef bint is_stripped    # paths do not begin with it

    cdef list known          # of (field, variable, value): what fields seen lately became

    # What the template holds of the last request
    cdef str method
    cdef str http_version
    cdef str scheme
    cdef object server

    cdef dict make(self, Request request, object body, object early_hints)
    cdef tuple read_field(self, tuple field)
    cdef int put_path(self, dict environ, Request request) except -1
    cdef int update_template(self, Request request) except -1
