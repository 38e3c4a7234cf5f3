import threading

from fastserve.wsgi.response import Response

class Job(Response):
    """A request that a thread runs."""

class Worker:
    """One thread."""

class Pool:
    """The threads of one application."""

    def __init__(self, threads_min: int, threads_max: int, queue_max: int, idle_timeout_s: float) -> None: ...
    def serve(self, worker: Worker) -> None:
        """What a thread does."""
    @property
    def threads(self) -> list[threading.Thread]:
        """Those that live."""
    def load(self) -> dict[str, float]:
        """Threads that live, that are busy; jobs that wait, and how long the first has, in seconds."""
    @property
    def queued(self) -> int:
        """Requests that wait for a thread."""
    @property
    def refused(self) -> int:
        """Those that found no room in the queue, so far."""
    @property
    def in_use(self) -> int:
        """How many threads are in the application."""
