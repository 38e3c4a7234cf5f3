"""How does a request become a record of Python's logging?

As uvicorn's does, so that a filter or a formatter written for that finds what it looks for: the same format and the
same five arguments. It costs more than the request itself: only for where somebody has asked for records.
"""

import logging

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE

from fastserve.csrc.logline cimport fs_log_escape
from fastserve.csrc.resp cimport fs_buf, fs_buf_free, fs_buf_reserve
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink

logger = logging.getLogger("fastserve.error")

cdef str FORMAT = '%s - "%s %s HTTP/%s" %d'


cdef class AccessRecords(Observer):
    """Logs a record a request, with uvicorn's arguments: client, method, target, HTTP version, status.

    :param log: the logger
    :param prefix: what a proxy took off the paths, percent-encoded
    """

    def __init__(self, log, str prefix not None=""):
        self.log = log
        self.prefix = prefix

    cdef int stream_ended(self, Request request, Sink sink) except -1:
        cdef str target = self.prefix + self.escaped(request.raw_path)
        cdef object client = request.client
        if request.protocol is not None:
            return 0  # a WebSocket's driver logs it
        if request.query_string:
            target = target + "?" + self.escaped(request.query_string)
        try:
            self.log.info(FORMAT, f"{client[0]}:{client[1]}" if client else "", request.method, target,
                          request.http_version, sink.status)
        except Exception:  # a filter's: no reason to drop the connection
            logger.exception("A filter or handler of the access log failed")
        return 0

    cdef str escaped(self, bytes text):
        """The text as it stands in the lines of the other writer."""
        cdef fs_buf buf = fs_buf(NULL, 0, 0)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(text)
        if fs_buf_reserve(&buf, 4 * size + 1) != 0:
            raise MemoryError
        try:
            size = fs_log_escape(buf.data, PyBytes_AS_STRING(text), size)
            return PyBytes_FromStringAndSize(buf.data, size).decode("ascii")
        finally:
            fs_buf_free(&buf)

    def flush(self):
        """Nothing waits."""

    def reopen(self):
        """The handlers have the files."""

    def close(self):
        """Nothing is held."""
