"""How does a request become a line of the user's own choice?

The line is made in Python (access_format.py), at several times the cost of uvicorn's, and written as that one is.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from libc.stdint cimport uint64_t

from fastserve.csrc.clock cimport fs_exact_s
from fastserve.features.access_log cimport AccessLog
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink

from fastserve.access_format import Answered

cdef int SWITCHING_PROTOCOLS = 101


cdef class AccessLines(AccessLog):
    """Writes the line that `format` makes of each request, without its end. It must not raise.

    :param loop: the running event loop
    :param format: is called with an `Answered`
    :param fd: the file descriptor to write to; stays open
    :param file: where to write instead, as AccessLog's
    :param prefix: what a proxy took off the paths, percent-encoded
    """

    def __init__(self, loop, format, int fd=1, file=None, bytes prefix not None=b""):
        AccessLog.__init__(self, loop, fd, False, file, prefix)
        self.format = format

    def set_watch(self, watch):
        """From now on lines can tell how long their request has held the event loop."""
        self.watch = watch

    cdef int stream_ended(self, Request request, Sink sink) except -1:
        if sink.status == SWITCHING_PROTOCOLS:
            return 0  # its line comes when that ends
        cdef double took_s = sink.ended_s - sink.began_s if sink.began_s > 0 else 0
        cdef object first_s = sink.first_byte_s - sink.began_s if sink.first_byte_s > 0 else None
        cdef object held_s = 0.0 if self.watch is None else self.watch.step_held_s()
        return self.put(Answered(request, sink.status, sink.bytes_sent, sink.bytes_received,
                                 took_s, first_s, held_s, self.prefix))

    cdef int session_ended(self, Request request, double began_s, uint64_t bytes_sent, uint64_t bytes_received,
                           int close_code) except -1:
        return self.put(Answered(request, SWITCHING_PROTOCOLS, bytes_sent, bytes_received, fs_exact_s() - began_s,
                                 None, 0.0, self.prefix, close_code or None))

    cdef int put(self, object answered) except -1:
        cdef bytes line = self.format(answered).encode("utf-8", "backslashreplace")
        return self.put_line(PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line))
