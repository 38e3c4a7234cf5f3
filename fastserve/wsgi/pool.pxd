"""The threads that run the application."""

from fastserve.wsgi.environ cimport EnvironMaker
from fastserve.wsgi.parking cimport Parking
from fastserve.wsgi.response cimport Response
from fastserve.wsgi.times cimport ThreadClock


cdef class Job(Response):
    cdef bint ended              # the application has: its thread is as good as free
    cdef Job following           # in the queue
    cdef double heard_s          # when the server last heard of the application, on the coarse clock
    cdef bint is_reported        # that it has been silent for too long

    cdef int work(self, Worker worker) except -1
    cdef int call_loop(self) except -1
    cdef bint waits_for_client(self) except -1


cdef class Worker:
    cdef object thread
    cdef Parking parking         # where it waits for a job
    cdef Job job                 # in hand, or None
    cdef EnvironMaker environs   # of the jobs that it has done; None before
    cdef ThreadClock clock       # None as long as nobody asks where the time goes


cdef class Pool:
    cdef int threads_min
    cdef int threads_max
    cdef Py_ssize_t queue_max
    cdef double idle_timeout_s
    cdef int names               # threads that have been started
    cdef int busy                # threads that have a job
    cdef bint gathering          # more jobs may follow at once, and end_turn() behind them
    cdef double slow_until_s     # until then, one thread wakes the next
    cdef bint waking             # a thread has been woken, or started, and has not come yet
    cdef bint closing
    cdef list workers
    cdef list idle               # the one that has come last is the next to go
    cdef Job first               # of the jobs that wait, each refers to the one that follows
    cdef Job last
    cdef readonly Py_ssize_t queued   # how many they are
    cdef readonly Py_ssize_t refused  # and how many found no room, so far

    cdef bint submit(self, Job job) except -1
    cdef int end_turn(self) except -1
    cdef int look_after(self) except -1
    cdef Parking next_of_waiting(self)
    cdef int wake_one(self) except -1
    cdef Parking next_one(self)
    cdef int start_thread(self) except -1
    cdef Job take(self, Worker worker)
    cdef int see_to_next(self, Job job) except -1
    cdef list running(self)
    cdef list forget_waiting(self)
    cdef int close(self) except -1
