"""Where does the time of a request in a thread go?

The application's thread notes when it takes the request, where it waits and when it has given the whole answer; the
loop's reads that when the request ends, which may be before the application has come to its end.
"""

from fastserve.csrc.clock cimport fs_clock_s, fs_exact_s, fs_thread_clock
from fastserve.csrc.cpu cimport fs_cpu_s
from fastserve.stream.sink cimport Sink


cdef class ThreadClock:
    """What the thread that makes it has computed."""

    def __cinit__(self):
        self.is_shared = fs_thread_clock(&self.clock) == 0


cdef class Times:
    """Of one request."""

    # ---- the loop's thread ----

    cdef int submitted(self) noexcept:
        self.submitted_s = fs_exact_s()
        return 0

    cdef int stalled(self) noexcept:
        """The client is slow."""
        self.stalled_s = fs_exact_s()
        return 0

    cdef int caught_up(self) noexcept:
        if self.done_s > 0 and self.stalled_s > 0:
            self.drained_s += fs_exact_s() - max(self.stalled_s, self.done_s)
        self.stalled_s = 0
        return 0

    cdef int note(self, Sink sink) noexcept:
        cdef double now_s = fs_exact_s()
        cdef double end_s = self.done_s if self.done_s > 0 else now_s
        cdef double cpu_s = 0
        if self.thread is None:
            sink.thread_wait_s = now_s - self.submitted_s if self.submitted_s > 0 else 0
            return 0
        sink.thread_wait_s = self.taken_s - self.submitted_s
        sink.body_wait_s, sink.client_wait_s = self.body_wait_s, self.room_wait_s
        if self.parked_s > 0 and self.is_for_body:
            sink.body_wait_s += now_s - self.parked_s
        elif self.parked_s > 0:
            sink.client_wait_s += now_s - self.parked_s
        sink.ran_s = max(0, end_s - self.taken_s - sink.body_wait_s - sink.client_wait_s)
        if self.done_s > 0:
            cpu_s = self.done_cpu_s - self.taken_cpu_s
            self.caught_up()
            sink.client_wait_s += self.drained_s
        elif self.thread.is_shared:
            cpu_s = fs_clock_s(self.thread.clock) - self.taken_cpu_s
        sink.cpu_s = min(max(0, cpu_s), sink.ran_s)
        return 0

    # ---- the application's ----

    cdef int taken(self, ThreadClock thread) noexcept:
        self.taken_s = fs_exact_s()
        self.taken_cpu_s = fs_cpu_s(&thread.cpu, self.taken_s)
        self.thread = thread
        return 0

    cdef int parks(self, bint is_for_body) noexcept:
        self.is_for_body = is_for_body
        self.parked_s = fs_exact_s()
        return 0

    cdef int unparked(self) noexcept:
        cdef double waited_s = fs_exact_s() - self.parked_s
        self.parked_s = 0
        if self.is_for_body:
            self.body_wait_s += waited_s
        else:
            self.room_wait_s += waited_s
        return 0

    cdef int done(self) noexcept:
        """The whole answer is given, or none will be."""
        if self.done_s == 0:
            self.done_s = fs_exact_s()
            self.done_cpu_s = fs_cpu_s(&self.thread.cpu, self.done_s)
        return 0
