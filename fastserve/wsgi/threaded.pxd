"""WSGI requests in threads: what passes between them and the loop's."""

from fastserve.stream.file_range cimport FileRange
from fastserve.stream.sink cimport Sink
from fastserve.wsgi.driver cimport WSGIDriver
from fastserve.wsgi.input cimport Input
from fastserve.wsgi.parking cimport Parking
from fastserve.wsgi.pool cimport Job, Pool
from fastserve.wsgi.times cimport Times


cdef class ThreadedDriver(WSGIDriver):
    cdef readonly Pool pool
    cdef Py_ssize_t read_buffer_bytes_max
    cdef Py_ssize_t write_buffer_bytes_max
    cdef double silent_s_max
    cdef double queue_line_s     # when the last line about a full queue was written
    cdef object timer            # of the look at silent threads, or None
    cdef list posts              # streams that have something for the loop
    cdef bint is_called          # the loop knows of them
    cdef object callback         # self.take_posts, bound once

    cdef int post(self, ThreadedStream stream) except -1
    cdef int call(self) except -1
    cdef int refuse(self, ThreadedStream stream) except -1
    cdef int watch(self) except -1


cdef class ThreadedStream(Job):
    cdef ThreadedDriver driver
    cdef ThreadInput input       # None where there is no body
    cdef bint body_ended
    cdef bint posted             # among the driver's posts
    cdef Times times             # None if nobody asks where the time goes

    # From the application's thread to the loop's
    cdef FileRange file          # the whole answer, behind the head; or None
    cdef bint sends_file         # it is not sent yet
    cdef bytes block             # the first one, with which the head goes
    cdef bint is_whole           # which is the only one
    cdef object blocks           # a deque of those behind it, or None
    cdef Py_ssize_t waiting_bytes   # of them all
    cdef list hints              # early ones, each a list of fields, or None
    cdef bint asked              # the application waits for the body, or has room for it
    cdef bint given_all          # there will be no more of the answer
    cdef bint failed

    # From the loop's thread to the application's
    cdef Parking room            # where the application waits for it, or None
    cdef bint stalled            # the client is slow

    # The loop's own
    cdef bint head_passed        # the head and the first block are the sink's
    cdef bint is_counted         # among the driver's running requests

    cdef int open_input(self) except -1
    cdef int hear_client(self) except -1
    cdef int settle(self) except -1
    cdef int deliver(self) except -1
    cdef int deliver_file(self) except -1
    cdef int deliver_block(self, bytes data, bint more) except -1
    cdef int hear_body_wish(self) except -1
    cdef int answer_failure(self, int status) except -1
    cdef int forget_blocks(self) except -1
    cdef int enter_over(self) except -1


cdef class ThreadInput(Input):
    cdef ThreadedStream stream   # None once the application has ended
