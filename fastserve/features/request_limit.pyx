"""How many requests are left? (`limit_max_requests`: for applications that leak)"""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink


cdef class RequestLimit(Observer):
    """Counts the answers that end, and calls `reached` once, at the last one of `count`.

    :param count: how many requests there may be
    :param reached: a callable without arguments, which must not raise
    """

    def __init__(self, Py_ssize_t count, reached):
        self.left = count
        self.reached = reached

    cdef int stream_ended(self, Request request, Sink sink) except -1:
        self.left -= 1
        if self.left == 0:
            self.reached()
        return 0
