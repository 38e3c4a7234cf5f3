"""How is an answer framed on an HTTP/1 connection? (RFC 9112, 6 and 7; RFC 9110, 6.4, 8.6, 9.3.2, 15)

One H1Sink answers one request. It checks the head when the application sends it and writes it with the first data, so
that an answer which is whole at that moment is one piece with a Content-Length. What comes in parts without a length
is chunked, or, for HTTP/1.0, ends with the connection. `enter` is the one place where its state changes.
"""

import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport Py_REFCNT
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from fastserve.bad_field cimport bad_field
from fastserve.csrc.answer cimport FS_ANSWER_OK, fs_answer_result, fs_put_answer_field, fs_said
from fastserve.csrc.clock cimport fs_exact_s
from fastserve.csrc.debug cimport FS_DEBUG
from fastserve.csrc.resp cimport (
    FS_FIELD_OK, fs_buf, fs_buf_free, fs_buf_reserve, fs_put_chunk_size, fs_put_decimal, fs_put_reasoned_status_line,
    fs_put_status_line, fs_reason_phrase,
)
from fastserve.net.backlog cimport Backlog
from fastserve.net.debug cimport live
from fastserve.net.file_sender cimport FileSender
from fastserve.stream.channel cimport ByteSession
from fastserve.stream.file_range cimport FileRange
from fastserve.stream.head cimport Head
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream

# A body above this goes to the transport as it is; below it, one copy is cheaper than a second piece.
cdef Py_ssize_t JOIN_BYTES_MAX = 16384
# Up to this, a file is read: cheaper than to wait until the transport is empty, and one write with the head.
cdef int64_t READ_BYTES_MAX = 65536
cdef bytes LAST_CHUNK = b"0\r\n\r\n"
cdef bytes CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# Heads are put together in this buffer, and most stay here until their first data comes, a moment later:
# `scratch_owner` is the sink whose head this is. Another one that needs the place first makes the owner take its head
# along (`take_along`). While a head is put together, the buffer is lent to it: code that runs meanwhile (a finalizer,
# another thread's event loop) and sends a head of its own finds none here and makes one.
cdef fs_buf scratch
cdef void *scratch_owner = NULL
cdef size_t SCRATCH_BYTES_MAX = 65536  # what is kept between heads


cdef class Channel(Backlog):
    """What an H1Sink needs of its connection."""

    cdef int on_answered(self, H1Sink sink) except -1:
        """The last byte of the answer is in the outbox."""
        raise NotImplementedError

    cdef int on_gave_up(self, H1Sink sink) except -1:
        """The answer cannot be completed; the connection must end without looking complete."""
        raise NotImplementedError

    cdef int on_upgraded(self, H1Sink sink, ByteSession session) except -1:
        """The answer is in the outbox, and says that the connection is the session's."""
        raise NotImplementedError

    cdef int on_body_paused(self, bint paused) except -1:
        raise NotImplementedError

    cdef int on_uncorked(self) except -1:
        """The application's step is over: the connection may go on with the next request."""
        raise NotImplementedError


cdef class H1Sink(Sink):
    """The answer to one HTTP/1 request."""

    @staticmethod
    cdef H1Sink create(Channel channel, H1Sink used, bint is_head, bint is_1_0, bint keep_alive, bint owes_continue):
        """A sink for the next answer: the one that is `used`, or None, anew if nobody else holds it any more."""
        cdef H1Sink sink
        if used is not None and Py_REFCNT(used) == 1:
            sink = used
            sink.reset()
        else:
            sink = H1Sink.__new__(H1Sink)
            sink.channel = channel
            if FS_DEBUG:
                live.sinks += 1
        sink.is_head = is_head
        sink.is_1_0 = is_1_0
        sink.keep_alive = keep_alive
        sink.owes_continue = owes_continue
        if channel.endpoint.timed:
            sink.began_s = fs_exact_s()
            sink.first_byte_s = 0
            sink.thread_wait_s = sink.body_wait_s = sink.ran_s = sink.cpu_s = sink.client_wait_s = 0
        return sink

    cdef int reset(self) noexcept:
        self.enter(BEFORE_HEAD)
        self.status = 0
        self.bytes_sent = self.bytes_received = 0
        self.disconnected = self.finished = False
        self.chunked = self.has_length = self.no_body = False
        self.length_left = 0
        self.file_error = None
        return 0

    def __dealloc__(self):
        global scratch_owner
        if scratch_owner == <void *>self:
            scratch_owner = NULL
        if FS_DEBUG:
            live.sinks -= 1

    cdef int enter(self, AnswerState state) noexcept:
        global scratch_owner
        self.state = state
        if state != HEAD_HELD:
            self.head = None
            if scratch_owner == <void *>self:
                scratch_owner = NULL
        if state >= COMPLETE:
            self.finished = True
        return 0

    cdef int take_along(self) except -1:
        self.head = PyBytes_FromStringAndSize(scratch.data, scratch.len)
        return 0

    # ---- what the driver asks ----

    cdef bint head_sent(self) noexcept:
        return self.state >= IN_BODY

    cdef bint writable(self) noexcept:
        return not self.channel.outbox.paused

    cdef object wait_writable(self):
        return self.channel.outbox.wait_for_room()

    cdef int cork(self) except -1:
        self.channel.outbox.cork()
        return 0

    cdef int uncork(self) except -1:
        cdef Channel channel = self.channel
        channel.outbox.uncork()
        if channel.outbox.corks == 0:
            channel.on_uncorked()
        return 0

    cdef int body_wanted(self) except -1:
        if self.owes_continue:
            self.owes_continue = False
            if self.state < IN_BODY:
                self.channel.outbox.put(CONTINUE)
        return 0

    cdef int pause_body(self) except -1:
        return self.channel.on_body_paused(True)

    cdef int resume_body(self) except -1:
        return self.channel.on_body_paused(False)

    cdef int note_end(self, Stream stream) except -1:
        """From the connection: the request ends; `stream` had it, or None."""
        if self.channel.endpoint.timed:
            if stream is not None:
                stream.note_times()
            self.ended_s = fs_exact_s()
        return 0

    cdef int client_gone(self) except -1:
        """From the connection: nothing that is sent from now on arrives."""
        self.disconnected = True
        if not self.finished:
            self.status = 499  # nginx's name for an answer that nobody waited for
            self.enter(GIVEN_UP)
            self.channel.outbox.stop_bypass()
        return 0

    cdef int abort(self) except -1:
        if not self.finished:
            self.enter(GIVEN_UP)
            self.channel.outbox.stop_bypass()
            self.channel.on_gave_up(self)
        return 0

    # ---- the head ----

    cdef int send_head(self, int status, object headers) except -1:
        global scratch_owner
        cdef fs_buf buf
        cdef fs_said said
        if type(headers) is not list and type(headers) is not tuple:
            headers = list(headers)  # may run anything, so it comes first
        if self.state != BEFORE_HEAD:
            raise RuntimeError("the response head was sent already")
        if not 200 <= status <= 999:
            raise ValueError(f"a final status is from 200 to 999, not {status}")
        lend_scratch(&buf)
        try:
            if fs_put_status_line(&buf, status) != 0:
                raise MemoryError
            read_fields(&buf, &said, status, headers)
            if self.state != BEFORE_HEAD:
                raise RuntimeError("the response head was sent meanwhile")
            self.hold_head(&buf, status, <int64_t>said.length if said.has_length else -1, said.closes,
                           said.has_date, said.has_server)
        finally:
            return_scratch(&buf)
        scratch_owner = <void *>self
        return 0

    cdef int send_checked_head(self, Head head) except -1:
        global scratch_owner
        cdef fs_buf buf
        if self.state != BEFORE_HEAD:
            raise RuntimeError("the response head was sent already")
        lend_scratch(&buf)
        try:
            if head.reason is None:
                if fs_put_status_line(&buf, head.status) != 0:
                    raise MemoryError
            elif fs_put_reasoned_status_line(&buf, head.status, PyBytes_AS_STRING(head.reason),
                                             PyBytes_GET_SIZE(head.reason)) != FS_FIELD_OK:
                raise MemoryError
            put_bytes(&buf, head.lines)
            self.hold_head(&buf, head.status, head.length, head.closes, head.has_date, head.has_server)
        finally:
            return_scratch(&buf)
        scratch_owner = <void *>self
        return 0

    cdef int hold_head(self, fs_buf *buf, int status, int64_t length, bint closes, bint has_date,
                       bint has_server) except -1:
        """The lines so far are this answer's; behind them come the server's own. The caller owns the scratch then."""
        if has_date or has_server:
            put_bytes(buf, self.channel.endpoint.default_block_without(has_date, has_server))
        else:
            put_bytes(buf, self.channel.endpoint.default_block())
        self.status = status
        self.has_length = length >= 0
        self.length_left = length
        if closes:
            self.keep_alive = False
        self.no_body = self.is_head or status == 204 or status == 304
        self.enter(HEAD_HELD)
        return 0

    cdef int send_informational(self, int status, object headers) except -1:
        cdef fs_said said
        if self.state != BEFORE_HEAD:
            raise RuntimeError("an informational response comes before the response head")
        if self.is_1_0:
            return 0  # RFC 9110, 15.2: a 1.0 client knows none
        return self.channel.outbox.put(interim_head(status, headers, &said) + b"\r\n")

    cdef int send_upgrade(self, bytes protocol, object headers, ByteSession session) except -1:
        cdef fs_said said
        cdef bytes head = interim_head(101, headers, &said)
        if self.state != BEFORE_HEAD:
            raise RuntimeError("the response head was sent already")
        self.status = 101
        self.channel.outbox.put(
            head + b"upgrade: " + protocol + b"\r\nconnection: Upgrade\r\n"
            + self.channel.endpoint.default_block_without(said.has_date, said.has_server) + b"\r\n")
        self.enter(COMPLETE)
        return self.channel.on_upgraded(self, session)

    cdef int send_error(self, int status) except -1:
        cdef bytes text = fs_reason_phrase(status)
        self.enter(BEFORE_HEAD)  # a head that was held is dropped
        self.bytes_sent = 0
        self.keep_alive = False
        self.send_head(status, [(b"content-type", b"text/plain; charset=utf-8"),
                                (b"content-length", str(len(text)).encode("ascii"))])
        return self.send_data(text, False)

    # ---- the body ----

    cdef int send_data(self, object data, bint more) except -1:
        cdef Py_ssize_t size
        cdef Py_ssize_t length
        if not PyBytes_CheckExact(data):
            data = as_bytes(data, "body")  # may run anything, so it comes first
        if self.state == BEFORE_HEAD:
            raise RuntimeError("data before the response head")
        if self.state >= COMPLETE:
            return 0
        size = length = PyBytes_GET_SIZE(data)
        self.account(size, more)
        if self.no_body:
            size = 0
            data = b""
        if self.state == HEAD_HELD:
            self.write_first(data, size, length, more)
        elif size > 0 or not more:
            self.write_piece(data, size)
            if not more and self.chunked:
                self.channel.outbox.put(LAST_CHUNK)
        if not more:
            self.complete()
        return 0

    cdef int account(self, Py_ssize_t size, bint more) except -1:
        """Hold the application to the Content-Length that it gave (RFC 9112, 6.3): a client that is told one length and
        sent another takes the next answer for the rest of this one."""
        if not self.no_body:
            if self.has_length:
                if size > self.length_left:
                    raise RuntimeError("the response body is longer than its Content-Length")
                if not more and size < self.length_left:
                    raise RuntimeError(
                        f"the response body is {self.length_left - size} bytes shorter than its Content-Length")
                self.length_left -= size
            self.bytes_sent += size
        return 0

    cdef bint tells_length(self, Py_ssize_t length, bint more) noexcept:
        """Whether an answer without a body has the Content-Length of the one that a GET would get: to HEAD, if that has
        one (RFC 9110, 8.6). A 204 never has, and what a 304's would be is not known."""
        return self.is_head and not more and length > 0 and self.status != 204 and self.status != 304

    cdef int write_first(self, object data, Py_ssize_t size, Py_ssize_t length, bint more) except -1:
        """The head, its framing fields, and the first data: one piece, unless the data is large.

        `size` is what goes out of `data`; `length` what the application gave, which an answer to HEAD still tells.
        """
        cdef char framing[96]
        cdef size_t framing_size = 0
        cdef char chunk[18]
        cdef size_t chunk_size = 0
        cdef const char *head = scratch.data
        cdef Py_ssize_t head_size = scratch.len
        cdef bytes piece
        cdef char *at
        cdef bint joined
        if scratch_owner != <void *>self:
            head = PyBytes_AS_STRING(self.head)
            head_size = PyBytes_GET_SIZE(self.head)
        if self.owes_continue:
            self.keep_alive = False  # whether the body still comes is the client's choice (RFC 9110, 10.1.1)
        if not self.has_length and (not self.no_body or self.tells_length(length, more)):
            if not more:
                memcpy(framing, b"content-length: ", 16)
                framing_size = 16 + fs_put_decimal(framing + 16, length)
                memcpy(framing + framing_size, b"\r\n", 2)
                framing_size += 2
            elif self.is_1_0:
                self.keep_alive = False
            else:
                self.chunked = True
                memcpy(framing, b"transfer-encoding: chunked\r\n", 28)
                framing_size = 28
        if not self.keep_alive or self.channel.endpoint.last_answers:
            self.keep_alive = False
            memcpy(framing + framing_size, b"connection: close\r\n", 19)
            framing_size += 19
        elif self.is_1_0:
            memcpy(framing + framing_size, b"connection: keep-alive\r\n", 24)
            framing_size += 24
        memcpy(framing + framing_size, b"\r\n", 2)
        framing_size += 2
        if self.chunked and size > 0:
            chunk_size = fs_put_chunk_size(chunk, size)

        joined = size <= JOIN_BYTES_MAX
        piece = PyBytes_FromStringAndSize(
            NULL, head_size + framing_size + chunk_size + (size + (2 if chunk_size else 0) if joined else 0))
        at = PyBytes_AS_STRING(piece)
        memcpy(at, head, head_size)
        at += head_size
        memcpy(at, framing, framing_size)
        at += framing_size
        memcpy(at, chunk, chunk_size)
        at += chunk_size
        if joined:
            memcpy(at, PyBytes_AS_STRING(data), size)
            if chunk_size:
                memcpy(at + size, b"\r\n", 2)
        self.enter(IN_BODY)
        if self.channel.endpoint.times_first_byte:
            self.first_byte_s = fs_exact_s()
        if joined:
            self.channel.outbox.put(piece)
        else:
            self.channel.outbox.cork()
            self.channel.outbox.put(piece)
            self.channel.outbox.put(data)
            if chunk_size:
                self.channel.outbox.put(b"\r\n")
            self.channel.outbox.uncork()
        return 0

    cdef int write_piece(self, object data, Py_ssize_t size) except -1:
        cdef char chunk[18]
        cdef size_t chunk_size
        cdef bytes piece
        cdef char *at
        if size == 0:
            return 0
        if not self.chunked:
            self.channel.outbox.put(data)
            return 0
        chunk_size = fs_put_chunk_size(chunk, size)
        if size <= JOIN_BYTES_MAX:
            piece = PyBytes_FromStringAndSize(NULL, chunk_size + size + 2)
            at = PyBytes_AS_STRING(piece)
            memcpy(at, chunk, chunk_size)
            memcpy(at + chunk_size, PyBytes_AS_STRING(data), size)
            memcpy(at + chunk_size + size, b"\r\n", 2)
            self.channel.outbox.put(piece)
            return 0
        self.channel.outbox.cork()
        self.channel.outbox.put(PyBytes_FromStringAndSize(chunk, chunk_size))
        self.channel.outbox.put(data)
        self.channel.outbox.put(b"\r\n")
        self.channel.outbox.uncork()
        return 0

    cdef int complete(self) except -1:
        self.enter(COMPLETE)
        self.channel.on_answered(self)
        return 0

    # ---- a file as the body ----

    cdef bint sends_files(self) noexcept:
        return self.channel.outbox.wire is None

    cdef int send_file(self, FileRange file) except -1:
        if self.state >= COMPLETE:
            return 0
        if self.state != HEAD_HELD:
            raise RuntimeError("a file is the whole body of an answer, behind its head")
        if self.has_length and not self.no_body:
            if file.size < self.length_left:
                self.account(file.size, False)
            file.size = self.length_left
        if self.no_body:
            self.write_first(b"", 0, file.size, False)
            return self.complete()
        if file.size > READ_BYTES_MAX:
            return self.send_large_file(file)
        data = os.pread(file.descriptor, file.size, file.offset)
        if len(data) < file.size:
            raise RuntimeError(f"the file has become shorter: {file.size - len(data)} bytes are missing")
        return self.send_data(data, False)

    cdef int send_large_file(self, FileRange file) except -1:
        cdef BodyFile sender = BodyFile.__new__(BodyFile)
        self.write_first(b"", 0, file.size, False)
        sender.sink = self
        return sender.begin(self.channel.outbox, file)

    cdef int file_over(self, object error) except -1:
        if error is None:
            return self.complete()
        self.file_error = error
        return self.abort()


cdef class BodyFile(FileSender):
    """The file that is an answer's body."""

    cdef int on_sent(self, int64_t size) except -1:
        self.sink.bytes_sent += size
        return 0

    cdef int on_over(self, object error) except -1:
        return self.sink.file_over(error)


cdef bytes interim_head(int status, object headers, fs_said *said):
    """The lines of a head behind which no body comes; the empty line is the caller's."""
    cdef fs_buf buf
    lend_scratch(&buf)
    try:
        if fs_put_status_line(&buf, status) != 0:
            raise MemoryError
        read_fields(&buf, said, status, headers)
        return PyBytes_FromStringAndSize(buf.data, buf.len)
    finally:
        return_scratch(&buf)


cdef int read_fields(fs_buf *buf, fs_said *said, int status, object headers) except -1:
    """Appends the fields' lines, and sets what they say."""
    cdef object field
    cdef fs_answer_result result
    memset(said, 0, sizeof(fs_said))
    for field in headers:
        if type(field) is tuple and len(<tuple>field) == 2:
            name, value = (<tuple>field)[0], (<tuple>field)[1]
        elif type(field) is list and len(<list>field) == 2:
            name, value = (<list>field)[0], (<list>field)[1]
        else:
            raise TypeError(f"a response header must be a pair of bytes, not {field!r}")
        if not PyBytes_CheckExact(name) or not PyBytes_CheckExact(value):
            name, value = as_bytes(name, "header name"), as_bytes(value, "header value")
        result = fs_put_answer_field(buf, said, status, PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name),
                                     PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))
        if result != FS_ANSWER_OK:
            raise bad_field(result, name, value)
    return 0


cdef int put_bytes(fs_buf *buf, bytes block) except -1:
    if fs_buf_reserve(buf, PyBytes_GET_SIZE(block)) != 0:
        raise MemoryError
    memcpy(buf.data + buf.len, PyBytes_AS_STRING(block), PyBytes_GET_SIZE(block))
    buf.len += PyBytes_GET_SIZE(block)
    return 0


cdef int clear_scratch() except -1:
    global scratch_owner
    if scratch_owner != NULL:
        (<H1Sink>scratch_owner).take_along()
        scratch_owner = NULL
    scratch.len = 0
    if scratch.cap > SCRATCH_BYTES_MAX:
        fs_buf_free(&scratch)
    return 0


cdef int lend_scratch(fs_buf *buf) except -1:
    """Gives the scratch buffer away, empty, until return_scratch."""
    clear_scratch()
    buf[0] = scratch
    memset(&scratch, 0, sizeof(fs_buf))
    return 0


cdef int return_scratch(fs_buf *buf) except -1:
    global scratch
    clear_scratch()
    fs_buf_free(&scratch)  # of somebody who came meanwhile; otherwise there is none
    scratch = buf[0]
    return 0


cdef bytes as_bytes(object value, str what):
    """What an application may hand over besides bytes, copied, since it may change it later."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(memoryview(value))  # of a subclass too what it holds, not what its methods say
    raise TypeError(f"a response {what} must be bytes, not {type(value).__name__}")
