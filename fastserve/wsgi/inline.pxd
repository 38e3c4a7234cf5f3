"""WSGI requests in the loop's own thread."""

from fastserve.wsgi.driver cimport WSGIDriver
from fastserve.wsgi.environ cimport EnvironMaker
from fastserve.wsgi.response cimport Response


cdef class InlineDriver(WSGIDriver):
    cdef EnvironMaker environs
    cdef Py_ssize_t body_memory_bytes_max
    cdef set suspended           # streams whose application is to be asked for more


cdef class InlineStream(Response):
    cdef InlineDriver driver
    cdef object body             # what has come of it: io.BytesIO, a temporary file, or None
    cdef Py_ssize_t body_bytes
    cdef bint body_in_file
    cdef bint body_ended
    cdef bint started            # the application runs once the body has ended
    cdef bint begun
    cdef bint head_passed        # the head is the sink's

    cdef int keep_body(self, bytes data) except -1
    cdef int begin(self) except -1
    cdef int suspend(self) except -1
    cdef int cancel(self) except -1
