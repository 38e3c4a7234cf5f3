"""A head of an answer, checked and spelled."""

from libc.stdint cimport int64_t


cdef class Head:
    cdef int status
    cdef bytes reason      # the application's own, where it is not the status's
    cdef bytes lines       # of the fields, "name: value CRLF" each; none of Connection, none of Transfer-Encoding
    # What the fields say
    cdef int64_t length    # Content-Length; -1 if none
    cdef bint closes       # the connection, after this answer
    cdef bint has_date
    cdef bint has_server

    cdef list pairs(self)
    cdef Head with_length(self, Py_ssize_t length)
