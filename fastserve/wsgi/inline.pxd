"""WSGI requests in the loop's own thread."""

from fastserve.csrc.cpu cimport fs_cpu, fs_step
from fastserve.csrc.watch cimport fs_watch
from fastserve.loop_watch cimport LoopWatch
from fastserve.wsgi.driver cimport WSGIDriver
from fastserve.wsgi.environ cimport EnvironMaker
from fastserve.wsgi.response cimport Response


cdef class InlineDriver(WSGIDriver):
    cdef EnvironMaker environs
    cdef Py_ssize_t body_memory_bytes_max
    cdef set suspended           # streams whose application is to be asked for more
    cdef LoopWatch watch         # hears of every step, or None
    cdef fs_watch *mark          # its, or NULL
    cdef fs_cpu cpu              # of the loop's thread, if the driver is timed


cdef class InlineStream(Response):
    cdef InlineDriver driver
    cdef object body             # what has come of it: io.BytesIO, a temporary file, or None
    cdef Py_ssize_t body_bytes
    cdef bint body_in_file
    cdef bint body_ended
    cdef bint started            # the application runs once the body has ended
    cdef bint begun
    cdef bint head_passed        # the head is the sink's

    # Where the time goes, if the driver is timed
    cdef fs_step timed_step
    cdef double body_asked_s     # when it was waited for; 0: it is not
    cdef double client_asked_s   # the same of the client, to take the answer

    cdef int keep_body(self, bytes data) except -1
    cdef int begin(self) except -1
    cdef int note_step(self) noexcept
    cdef int note_waits(self) noexcept
    cdef int suspend(self) except -1
    cdef int cancel(self) except -1
