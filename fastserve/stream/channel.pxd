"""The way of bytes, once a request has become something else; and who takes them."""


cdef class ByteChannel:
    cdef int write(self, bytes data) except -1
    cdef bint writable(self) noexcept
    cdef object wait_writable(self)
    cdef int read_on(self) except -1
    cdef int close(self, bint more_may_come) except -1
    cdef int abort(self) except -1


cdef class ByteSession:
    cdef readonly int close_code  # by which it ended, of a WebSocket; else 0

    cdef int opened(self, ByteChannel channel) except -1
    cdef Py_ssize_t push_bytes(self, bytes data, Py_ssize_t at) except -1
    cdef int muted(self) except -1
    cdef int lost(self) except -1
    cdef int on_sweep(self, double now_s) except -1
    cdef int drain(self) except -1
