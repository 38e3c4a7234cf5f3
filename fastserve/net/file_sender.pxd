"""How does a file reach its client without passing through this process?"""

from libc.stdint cimport int64_t

from fastserve.net.outbox cimport Bypass, Outbox
from fastserve.stream.file_range cimport FileRange


cdef class FileSender(Bypass):
    cdef Outbox outbox
    cdef FileRange file
    cdef object loop
    cdef int socket         # a duplicate of the transport's, ours; -1: there is none, so the transport copies
    cdef bint is_watched    # the loop calls when the socket takes more
    cdef bint is_called     # the loop is about to call
    cdef bint is_over

    cdef int begin(self, Outbox outbox, FileRange file) except -1
    cdef int send_piece(self) except -1
    cdef int64_t copy_piece(self) except -1
    cdef int64_t pass_piece(self) except -2
    cdef int watch(self) except -1
    cdef int call_soon(self) except -1
    cdef int end(self, object error) except -1
    cdef int release(self) except -1
    cdef int on_sent(self, int64_t size) except -1
    cdef int on_over(self, object error) except -1
