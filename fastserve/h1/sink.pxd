"""How is an answer framed on an HTTP/1 connection?"""

from libc.stdint cimport int64_t, uint64_t

from fastserve.csrc.resp cimport fs_buf
from fastserve.net.backlog cimport Backlog
from fastserve.net.file_sender cimport FileSender
from fastserve.net.outbox cimport Outbox
from fastserve.stream.channel cimport ByteSession
from fastserve.stream.file_range cimport FileRange
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream


cdef enum AnswerState:
    BEFORE_HEAD   # no final status yet; informational answers may go out
    HEAD_HELD     # the head is checked and written down, and waits for the first data
    IN_BODY
    COMPLETE
    GIVEN_UP      # aborted, or the client is gone


cdef class Channel(Backlog):
    """A connection as its sinks see it."""
    cdef Outbox outbox

    cdef int on_answered(self, H1Sink sink) except -1
    cdef int on_gave_up(self, H1Sink sink) except -1
    cdef int on_upgraded(self, H1Sink sink, ByteSession session) except -1
    cdef int on_body_paused(self, bint paused) except -1
    cdef int on_uncorked(self) except -1


cdef class H1Sink(Sink):
    cdef Channel channel
    cdef AnswerState state
    cdef bint is_head            # the request's method is HEAD
    cdef bint is_1_0
    cdef bint keep_alive         # as the request allows, then as the answer says
    cdef bint owes_continue      # the client waits for 100 (Continue)
    cdef bint chunked
    cdef bint has_length
    cdef bint no_body            # HEAD, 204, 304: what the application sends as a body is not sent
    cdef int64_t length_left     # of the Content-Length that the application gave
    cdef bytes head              # held, without the empty line, where it could not stay in the scratch buffer

    @staticmethod
    cdef H1Sink create(Channel channel, H1Sink used, bint is_head, bint is_1_0, bint keep_alive, bint owes_continue)
    cdef int reset(self) noexcept
    cdef int enter(self, AnswerState state) noexcept
    cdef int take_along(self) except -1
    cdef int note_end(self, Stream stream) except -1
    cdef int client_gone(self) except -1
    cdef int hold_head(self, fs_buf *buf, int status, int64_t length, bint closes, bint has_date,
                       bint has_server) except -1
    cdef bint tells_length(self, Py_ssize_t length, bint more) noexcept
    cdef int write_first(self, object data, Py_ssize_t size, Py_ssize_t length, bint more) except -1
    cdef int write_piece(self, object data, Py_ssize_t size) except -1
    cdef int account(self, Py_ssize_t size, bint more) except -1
    cdef int complete(self) except -1
    cdef int send_large_file(self, FileRange file) except -1
    cdef int file_over(self, object error) except -1


cdef class BodyFile(FileSender):
    cdef H1Sink sink
