"""One HTTP/1 connection under TLS."""

from fastserve.h1.connection cimport Connection


cdef class EncryptedConnection(Connection):
    cdef object wire             # the transport beneath

    cdef int sweep_unpaused(self, double now_s) except -1
