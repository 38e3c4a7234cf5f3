"""How does a request become a line of the access log, at a cost that nobody notices?

uvicorn's line, put together in a buffer without a Python object a field, and written for many requests at once: 100 ms
after the first of them, or when the buffer is full. A write takes whole lines, so that no two are mixed up.
"""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.string cimport memcpy, memmove, strlen

from fastserve.csrc.logline cimport fs_log_escape
from fastserve.csrc.resp cimport fs_buf, fs_buf_free, fs_buf_reserve, fs_put_decimal, fs_reason_phrase
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Observer, Sink

cdef double DELAY_S = 0.1
# Of each class of status, from 1xx: bright white, green, yellow, red, bright red.
cdef const char **COLOURS = [b"\x1b[97m", b"\x1b[32m", b"\x1b[33m", b"\x1b[31m", b"\x1b[91m"]
cdef size_t WRITE_AT_BYTES = 32768
cdef size_t KEEP_BYTES_MAX = 1 << 20  # while the log's reader takes nothing; then lines are left out


cdef inline void put(fs_buf *buf, const char *text, size_t size) noexcept:
    """Appends; the caller has reserved."""
    memcpy(buf.data + buf.len, text, size)
    buf.len += size


cdef class AccessLog(Observer):
    """Writes one line a request: ``INFO:     127.0.0.1:50000 - "GET / HTTP/1.1" 200 OK``.

    :param loop: the running event loop
    :param fd: the file descriptor to write to; stays open
    :param use_colors: whether level, request and status are as uvicorn's formatters colour them
    :param file: where to write instead: an object with ``write(bytes)``, which returns how many it took,
        ``reopen()`` and ``close()``
    :param prefix: what a proxy took off the paths, percent-encoded
    """

    def __init__(self, loop, int fd=1, bint use_colors=False, file=None, bytes prefix not None=b""):
        self.loop = loop
        self.fd = fd
        self.file = file
        self.use_colors = use_colors
        self.prefix = prefix
        self.level = b"\x1b[32mINFO\x1b[0m:     " if use_colors else b"INFO:     "
        self.write_at_bytes = WRITE_AT_BYTES

    def __dealloc__(self):
        fs_buf_free(&self.lines)

    cdef int stream_ended(self, Request request, Sink sink) except -1:
        cdef Py_ssize_t raw_size = PyBytes_GET_SIZE(request.raw_path)
        cdef Py_ssize_t query_size = PyBytes_GET_SIZE(request.query_string)
        cdef fs_buf *lines = &self.lines
        cdef const char *text
        cdef Py_ssize_t size = 0
        if lines.len >= KEEP_BYTES_MAX or request.protocol is not None:  # a WebSocket's driver logs it
            return 0
        # 4: an escaped byte; 320: the address, what is fixed, and colours
        if fs_buf_reserve(lines, 4 * (raw_size + query_size) + PyBytes_GET_SIZE(self.prefix) + 320) != 0:
            return 0  # no memory for a line: serving goes on
        put(lines, PyBytes_AS_STRING(self.level), PyBytes_GET_SIZE(self.level))
        self.put_client(request.client)
        put(lines, b' - "', 4)
        if self.use_colors:
            put(lines, b"\x1b[1m", 4)
        text = PyUnicode_AsUTF8AndSize(request.method, &size)
        put(lines, text, size)
        put(lines, b" ", 1)
        put(lines, PyBytes_AS_STRING(self.prefix), PyBytes_GET_SIZE(self.prefix))
        self.put_escaped(PyBytes_AS_STRING(request.raw_path), raw_size)
        if query_size > 0:
            put(lines, b"?", 1)
            self.put_escaped(PyBytes_AS_STRING(request.query_string), query_size)
        put(lines, b" HTTP/", 6)
        text = PyUnicode_AsUTF8AndSize(request.http_version, &size)
        put(lines, text, size)
        if self.use_colors:
            put(lines, b"\x1b[0m", 4)
        put(lines, b'" ', 2)
        self.put_status(sink.status)
        return self.end_line()

    cdef int put_line(self, const char *text, Py_ssize_t size) except -1:
        """A line that is made already, without its end."""
        if self.lines.len >= KEEP_BYTES_MAX or fs_buf_reserve(&self.lines, size + 1) != 0:
            return 0
        put(&self.lines, text, size)
        return self.end_line()

    cdef int end_line(self) except -1:
        put(&self.lines, b"\n", 1)
        if self.lines.len >= self.write_at_bytes:
            self.write_out()
        if self.lines.len > 0 and self.timer is None:
            self.timer = self.loop.call_later(DELAY_S, self.flush)
        return 0

    cdef int put_status(self, int status) except -1:
        cdef fs_buf *lines = &self.lines
        cdef const char *reason = fs_reason_phrase(status)
        cdef bint coloured = self.use_colors and 100 <= status < 600
        if coloured:
            put(lines, COLOURS[status // 100 - 1], 5)
        lines.len += fs_put_decimal(lines.data + lines.len, status)
        put(lines, b" ", 1)
        put(lines, reason, strlen(reason))
        if coloured:
            put(lines, b"\x1b[0m", 4)
        return 0

    cdef int put_client(self, object client) except -1:
        """``host:port`` as uvicorn prints it, nothing where the client has no address."""
        cdef Py_ssize_t size = 0
        cdef const char *host
        if client is None:
            return 0
        host = PyUnicode_AsUTF8AndSize((<tuple>client)[0], &size)
        put(&self.lines, host, size if size < 128 else 128)
        put(&self.lines, b":", 1)
        self.lines.len += fs_put_decimal(self.lines.data + self.lines.len, (<tuple>client)[1])
        return 0

    cdef int put_escaped(self, const char *text, Py_ssize_t size) except -1:
        self.lines.len += fs_log_escape(self.lines.data + self.lines.len, text, size)
        return 0

    cdef int write_out(self) except -1:
        """Writes what there is. What cannot be written waits: it may begin within a line."""
        cdef fs_buf *lines = &self.lines
        cdef size_t size = lines.len
        cdef size_t written = 0
        cdef object pending, rest
        if size == 0:
            return 0
        pending = PyBytes_FromStringAndSize(lines.data, size)
        self.write_at_bytes = WRITE_AT_BYTES
        try:
            while written < size:
                rest = memoryview(pending)[written:]
                written += <size_t>(os.write(self.fd, rest) if self.file is None else self.file.write(rest))
        except OSError:
            self.write_at_bytes = lines.len - written + WRITE_AT_BYTES  # not again for every line
        finally:
            memmove(lines.data, lines.data + written, lines.len - written)
            lines.len -= written
        return 0

    def flush(self):
        """Writes the lines that wait."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.write_out()
        if self.lines.len > 0 and not self.loop.is_closed():
            self.timer = self.loop.call_later(DELAY_S, self.flush)

    def reopen(self):
        """Writes the lines that wait; then the file is made anew if it was moved away."""
        self.flush()
        if self.file is not None:
            self.file.reopen()

    def close(self):
        """Writes the lines that wait, for the last time."""
        self.write_out()
        if self.file is not None:
            self.file.close()
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
