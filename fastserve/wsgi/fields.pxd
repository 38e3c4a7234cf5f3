"""What an application says of its answer, as the wire has it."""

from libc.stdint cimport int64_t

cdef int read_status(object status) except -1
cdef list read_headers(object headers, int64_t *length)
