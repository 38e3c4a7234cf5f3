"""The access log."""

from fastserve.csrc.resp cimport fs_buf
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink


cdef class AccessLog(Observer):
    cdef object loop
    cdef int fd
    cdef object file
    cdef bint use_colors
    cdef bytes level
    cdef bytes prefix
    cdef fs_buf lines
    cdef object timer
    cdef size_t write_at_bytes

    cdef int put_status(self, int status) except -1
    cdef int put_client(self, object client) except -1
    cdef int put_escaped(self, const char *text, Py_ssize_t size) except -1
    cdef int put_line(self, const char *text, Py_ssize_t size) except -1
    cdef int end_line(self) except -1
    cdef int write_out(self) except -1
