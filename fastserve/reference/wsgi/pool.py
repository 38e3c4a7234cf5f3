"""Which thread runs the application for this request?

Jobs wait in a queue. To submit one wakes an idle thread, or starts one where there are not enough idle ones
and less than the maximum. The threads are daemons: one that the application never returns keeps no process
alive.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections import deque

__all__ = ["Job", "Pool"]

logger = logging.getLogger("fastserve.error")

_JOIN_TIMEOUT_S = 1.0  # of a thread that has nothing to do but end


class Job(ABC):
    """What a thread does; `ended` as soon as the application has returned."""

    ended = False
    submitted_s = 0.0

    @abstractmethod
    def work(self) -> None: ...


class Pool:
    """The threads of one application.

    `threads_min` are kept, and started at once; more than `threads_max` are never started; more than
    `queue_max` jobs never wait. A thread beyond the minimum that has nothing to do ends after
    `idle_timeout_s`; 0: never.
    """

    def __init__(self, threads_min: int, threads_max: int, queue_max: int, idle_timeout_s: float) -> None:
        self._threads_min = min(threads_min, threads_max)
        self._threads_max = threads_max
        self._queue_max = queue_max
        self._idle_timeout_s = idle_timeout_s
        self._changed = threading.Condition()
        self._queue: deque[Job] = deque()
        self._jobs: dict[threading.Thread, Job | None] = {}  # what each thread does; None: it is idle
        self.refused = 0  # jobs for which there was no room
        self._started = 0
        self._closing = False
        for _ in range(self._threads_min):
            self._start_thread()

    @property
    def threads(self) -> list[threading.Thread]:
        with self._changed:
            return [*self._jobs]

    @property
    def in_use(self) -> int:
        """How many threads are in the application."""
        return len(self.running())

    @property
    def queued(self) -> int:
        return len(self._queue)

    def load(self) -> dict[str, float]:
        """Threads that live, that are busy; jobs that wait, and how long the first has, in seconds."""
        with self._changed:
            waits_s = time.monotonic() - self._queue[0].submitted_s if self._queue else 0.0
            busy = sum(job is not None for job in self._jobs.values())
            return {
                "threads": len(self._jobs),
                "busy": busy,
                "waiting": len(self._queue),
                "longest_wait_s": round(waits_s, 2),
            }

    def running(self) -> list[tuple[threading.Thread, Job]]:
        """The threads that are in the application, with what they do."""
        with self._changed:
            return [(thread, job) for thread, job in self._jobs.items() if job is not None and not job.ended]

    def submit(self, job: Job) -> bool:
        """Whether there was room in the queue. Raises RuntimeError where the system has no thread for us."""
        with self._changed:
            if len(self._queue) >= self._queue_max or self._closing:
                self.refused += 1
                return False
            job.submitted_s = time.monotonic()
            self._queue.append(job)
            idle = sum(job is None for job in self._jobs.values())
            if len(self._queue) > idle and len(self._jobs) < self._threads_max:
                try:
                    self._start_thread()
                except RuntimeError:
                    if not self._jobs:
                        self._queue.remove(job)
                        raise
                    logger.warning(
                        "There is no thread for a request that waits; it waits for one of %d", len(self._jobs)
                    )
            self._changed.notify()
        return True

    def forget_waiting(self) -> list[Job]:
        """Empty the queue, and return what was in it."""
        with self._changed:
            jobs = [*self._queue]
            self._queue.clear()
            return jobs

    def close(self) -> None:
        """End the threads: those that are idle now, the others after their job; waits for the former."""
        with self._changed:
            self._closing = True
            ending = [thread for thread, job in self._jobs.items() if job is None or job.ended]
            self._changed.notify_all()
        for thread in ending:
            thread.join(_JOIN_TIMEOUT_S)

    def _start_thread(self) -> None:
        self._started += 1
        name = f"fastserve-wsgi-{self._started}"
        thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._jobs[thread] = None
        try:
            thread.start()
        except BaseException:
            del self._jobs[thread]
            raise

    def _serve(self) -> None:
        """What a thread does."""
        while (job := self._take()) is not None:
            try:
                job.work()
            except BaseException:
                try:
                    logger.exception("A thread could not end a request")
                except BaseException:  # the program's own filters and handlers may raise; the thread goes on
                    traceback.print_exc()
            job = None

    def _take(self) -> Job | None:
        """The next job; None where this thread is to end."""
        thread = threading.current_thread()
        with self._changed:
            self._jobs[thread] = None
            while not self._queue and not self._closing:
                in_time = self._changed.wait(self._idle_timeout_s if self._idle_timeout_s > 0 else None)
                if not in_time and not self._queue and len(self._jobs) > self._threads_min:
                    break
            job = self._queue.popleft() if self._queue and not self._closing else None
            if job is None:
                del self._jobs[thread]
            else:
                self._jobs[thread] = job
            return job
