"""One request as one coroutine."""

from fastserve.asgi.awaitable cimport Awaitable
from fastserve.asgi.scope cimport ScopeMaker
from fastserve.csrc.cpu cimport fs_cpu, fs_step
from fastserve.csrc.watch cimport fs_watch
from fastserve.loop_watch cimport LoopWatch
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Driver, Stream


cdef enum ResponseState:
    EXPECT_START   # of the response
    EXPECT_BODY
    SENDING_FILE   # which is the whole body
    RESPONDED


cdef class ASGIDriver(Driver):
    cdef object app
    cdef object loop
    cdef object context
    cdef ScopeMaker scopes
    cdef Py_ssize_t read_buffer_bytes_max
    cdef bint pathsend
    cdef bint use_task_factory
    cdef dict task_keywords
    cdef bint spawning       # the start-up context is entered
    cdef readonly set tasks  # of the requests whose coroutine is suspended
    cdef list idle_waiters
    cdef LoopWatch watch     # hears of every step, or None
    cdef fs_watch *mark      # its, or NULL
    cdef public bint timed   # sinks are told where the time goes
    cdef fs_cpu cpu          # of the loop's thread, then

    cdef object spawn(self, ASGICycle cycle)
    cdef int forget(self, object task) except -1


cdef class ASGICycle(Stream):
    cdef ASGIDriver driver
    cdef Request request
    cdef Sink sink
    cdef object coroutine        # the application's, while it runs
    cdef object task
    cdef bint running
    cdef bint started
    cdef bint ended

    # Where the time goes, if the driver is timed
    cdef fs_step timed_step
    cdef double body_asked_s     # when the body was first waited for; 0: it is not
    cdef double client_asked_s   # the same of the client, to take the answer

    # receive()
    cdef bytes part              # of the body, not yet received by the application
    cdef list parts              # the later ones, or None
    cdef Py_ssize_t buffered_bytes
    cdef bint body_ended
    cdef bint last_received      # the application has the body's last message
    cdef bint disconnected
    cdef object receiver         # the future of a receive() that waits, or None
    cdef list more_receivers     # of others beside it, or None
    cdef int ends_in_a_row       # http.disconnect, without a turn of the loop

    # send()
    cdef ResponseState state
    cdef int sends_in_a_row      # without a wait

    cdef object step(self, object value)
    cdef object step_throw(self, object error)
    cdef int call(self) except -1
    cdef int settle(self, object result) except -1
    cdef int fail(self, object error) except -1
    cdef tuple told(self)
    cdef int give_up(self, int status) except -1
    cdef int end(self) except -1
    cdef object next_message(self)
    cdef object wait_for_message(self)
    cdef int wake_receivers(self) except -1
    cdef object send_start(self, dict message)
    cdef object send_body(self, dict message)
    cdef object send_path(self, dict message)
    cdef object after_part(self)
    cdef object after_response(self)


cdef str printable(str text)


cdef class Receive(Awaitable):
    cdef ASGICycle cycle


cdef class Drain(Awaitable):
    cdef ASGICycle cycle
    cdef bint owes_turn


cdef class FileDrain(Drain):
    pass
