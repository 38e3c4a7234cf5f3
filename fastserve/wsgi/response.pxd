"""One call of a WSGI application, from its environ to the end of what it returned."""

from libc.stdint cimport int64_t

from fastserve.stream.file_range cimport FileRange
from fastserve.stream.head cimport Head
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream
from fastserve.wsgi.driver cimport WSGIDriver


cdef class Response(Stream):
    cdef Request request
    cdef Sink sink               # for the loop's thread only
    cdef object context

    # What the application said
    cdef Head head               # of start_response(); None before
    cdef int64_t length_left     # of its Content-Length; -1 where it gave none
    cdef object result           # what it returned, until that is closed
    cdef object iterator         # of the result
    cdef bint is_file            # the result is a FileWrapper

    # How far its answer has come
    cdef bint head_given         # handed over: start_response() cannot change it any more
    cdef bint complete           # handed over to its end
    cdef bint over               # nothing that is handed over arrives: the client is gone, or was told otherwise
    cdef bint file_given         # the rest is the server's: the application's part is to close it
    cdef bint is_last            # nothing will be handed over or closed after what is handed over now

    # ---- what is done where the loop is, or for where it is ----
    cdef int give(self, bytes data, bint more) except -1
    cdef bint give_file(self, FileRange file) except -1
    cdef int give_early_hints(self, list fields) except -1
    cdef int give_up(self) except -1
    cdef bint go_on(self) except -1
    cdef int wait_for_room(self) except -1
    cdef int finish(self) except -1

    # ---- what the application calls ----
    cdef int write(self, object data) except -1
    cdef int hint(self, object headers) except -1

    # ---- the call ----
    cdef int run(self, WSGIDriver driver, dict environ) except -1
    cdef int resume(self) except -1
    cdef int go(self, WSGIDriver driver, dict environ) except -1
    cdef bint call(self, object app, dict environ) except -1
    cdef bint iterate(self) except -1
    cdef FileRange file_of(self, object wrapper)
    cdef int check_file(self) except -1
    cdef int answer_whole(self, bytes data) except -1
    cdef int send(self, bytes data) except -1
    cdef int end_answer(self) except -1
    cdef int check_started(self) except -1
    cdef bint has_no_body(self) except -1
    cdef int fail(self, object error) except -1
    cdef int close_result(self) except -1


cdef class Write:
    cdef Response response

    @staticmethod
    cdef Write of(Response response)


cdef class EarlyHints:
    cdef Response response

    @staticmethod
    cdef EarlyHints of(Response response)
