"""Which thread runs the application for this request?

Jobs wait in a queue. What comes in a turn of the loop wakes one idle thread at the end of the turn, or starts one
where there are less than the maximum. At most one is on its way at a time: while the application runs Python code, the
others could not run anyway, and one thread takes the whole queue. Where the application waits for anything, another
one has to come at once. Who wakes it? A thread that takes a job and leaves others behind sees to that before it begins,
in one of two ways:

- It calls the loop, which is to come for the answers in any case, and gets the interpreter when the queue is empty, or
  as soon as this thread waits. Then it finds jobs that nobody comes for, and wakes a thread. So as long as all are
  quick, no thread is woken in vain: that took as long as a small answer does.
- Or it wakes the next thread itself, which spares the way through the loop. This is done for `SLOW_S` from the moment
  at which the loop, having the interpreter, saw a thread in the application: it waits there, or computes for long.

The threads are Python's own (`threading.Thread`), so that debuggers, profilers and thread-local data work. They are
daemons: one that the application never returns keeps no process alive.
"""

import logging
import threading
import traceback

from fastserve.csrc.clock cimport fs_monotonic_s
from fastserve.wsgi.parking cimport Parking
from fastserve.wsgi.response cimport Response

logger = logging.getLogger("fastserve.error")

cdef double SLOW_S = 1.0
cdef double JOIN_TIMEOUT_S = 1.0  # of a thread that has nothing to do but end


cdef class Job(Response):
    """A request that a thread runs. It is one object with the answer: a request costs one less."""

    cdef int work(self, Worker worker) except -1:
        """In this thread of the pool."""
        raise NotImplementedError

    cdef int call_loop(self) except -1:
        """In any thread: have the loop call look_after() of the pool. Raises RuntimeError where it is closed."""
        raise NotImplementedError

    cdef bint waits_for_client(self) except -1:
        """Whether its thread waits for the client, and not the client for it."""
        raise NotImplementedError


cdef class Worker:
    """One thread."""


cdef class Pool:
    """The threads of one application.

    :param threads_min: so many are kept, and started at once
    :param threads_max: more are never started
    :param queue_max: so many jobs may wait for a thread
    :param idle_timeout_s: a thread beyond the minimum that has nothing to do ends after this time; 0: never
    """

    def __init__(self, threads_min, threads_max, queue_max, idle_timeout_s):
        self.threads_min = min(threads_min, threads_max)
        self.threads_max = threads_max
        self.queue_max = queue_max
        self.idle_timeout_s = idle_timeout_s
        self.workers = []
        self.idle = []
        for _ in range(self.threads_min):
            self.start_thread()

    @property
    def threads(self):
        """Those that live."""
        return [(<Worker>worker).thread for worker in self.workers]

    @property
    def in_use(self) -> int:
        """How many threads are in the application."""
        return len(self.running())

    def load(self):
        """How many threads live, how many have a job, how many jobs wait, and for how long the first of them has."""
        cdef Worker worker
        cdef double waits_s = fs_monotonic_s() - self.first.heard_s if self.first is not None else 0
        busy = sum([1 for worker in self.workers if worker.job is not None])
        return {"threads": len(self.workers), "busy": busy, "waiting": self.queued, "longest_wait_s": round(waits_s, 2)}

    cdef bint submit(self, Job job) except -1:
        """Whether there was room in the queue."""
        if self.queued >= self.queue_max or self.closing:
            self.refused += 1
            return False
        if not self.workers:
            self.start_thread()
        if self.first is None:
            self.first = job
        else:
            self.last.following = job
        self.last = job
        self.queued += 1
        job.heard_s = fs_monotonic_s()
        if not self.gathering:
            self.wake_one()
        return True

    cdef int end_turn(self) except -1:
        """In the loop's thread, behind the last of the jobs that were gathered."""
        cdef Parking parking
        self.gathering = False
        parking = self.next_of_waiting()
        return 0 if parking is None else parking.hand_over()

    cdef int look_after(self) except -1:
        """In the loop's thread: have a thread come, if jobs wait."""
        cdef Parking parking = self.next_of_waiting()
        return 0 if parking is None else parking.unpark()

    cdef Parking next_of_waiting(self):
        if self.first is None:
            return None
        if self.busy > 0:  # and yet the interpreter is ours
            self.slow_until_s = fs_monotonic_s() + SLOW_S
        return self.next_one()

    cdef int wake_one(self) except -1:
        cdef Parking parking = self.next_one()
        return 0 if parking is None else parking.unpark()

    cdef Parking next_one(self):
        """Where to wake the next thread; None where one is on its way, or has been started, or cannot be had."""
        if self.waking:
            return None
        if self.idle:
            self.waking = True
            return (<Worker>self.idle.pop()).parking
        if len(self.workers) < self.threads_max:
            try:
                self.start_thread()
            except RuntimeError:  # the system has none for us
                logger.warning("There is no thread for a request that waits; it waits for one of %d",
                               len(self.workers))
        return None

    cdef int start_thread(self) except -1:
        cdef Worker worker = Worker.__new__(Worker)
        self.names += 1
        worker.parking = Parking()
        worker.thread = threading.Thread(target=self.serve, args=(worker,), daemon=True,
                                         name=f"fastserve-wsgi-{self.names}")
        self.workers.append(worker)
        self.waking = True
        try:
            worker.thread.start()
        except BaseException:
            self.waking = False
            self.workers.remove(worker)
            raise
        return 0

    def serve(self, Worker worker):
        """What a thread does."""
        cdef Job job
        self.waking = False
        while True:
            job = self.take(worker)
            if job is None:
                return
            try:
                job.work(worker)
            except BaseException:
                try:
                    logger.exception("A thread could not end a request")
                except BaseException:  # the program's own filters and handlers may raise; the thread goes on
                    traceback.print_exc()
            self.busy -= 1
            worker.job = None
            job = None

    cdef Job take(self, Worker worker):
        """The next job; None where the thread is to end."""
        cdef Job job
        while not self.closing:
            job = self.first
            if job is not None:
                self.first = job.following
                job.following = None
                self.queued -= 1
                if self.first is None:
                    self.last = None
                worker.job = job
                job.heard_s = fs_monotonic_s()
                self.busy += 1
                if self.first is not None:
                    self.see_to_next(job)
                return job
            self.idle.append(worker)
            if worker.parking.park(self.idle_timeout_s):
                self.waking = False
            else:
                self.idle.remove(worker)
                if len(self.workers) > self.threads_min:
                    break
        self.workers.remove(worker)
        return None

    cdef int see_to_next(self, Job job) except -1:
        """Should this thread wait for anything, another one is to come."""
        if self.waking:
            return 0
        if job.heard_s >= self.slow_until_s:
            try:
                return job.call_loop()
            except RuntimeError:  # it is closed
                pass
        return self.wake_one()

    cdef list running(self):
        """The workers that are in the application."""
        cdef Worker worker
        return [worker for worker in self.workers if worker.job is not None and not worker.job.ended]

    cdef list forget_waiting(self):
        """Empties the queue, and returns what was in it."""
        cdef list jobs = []
        cdef Job job
        while self.first is not None:
            job = self.first
            self.first = job.following
            job.following = None
            jobs.append(job)
        self.last = None
        self.queued = 0
        return jobs

    cdef int close(self) except -1:
        """End the threads: those that are idle now, the others after their job. Waits for the former."""
        cdef Worker worker
        cdef list idle = self.idle
        self.closing = True
        self.idle = []
        running = self.running()
        ending = [(<Worker>worker).thread for worker in self.workers if worker not in running]
        for worker in idle:
            worker.parking.unpark()
        for thread in ending:
            thread.join(JOIN_TIMEOUT_S)
        return 0
