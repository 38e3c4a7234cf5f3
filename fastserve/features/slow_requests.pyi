from typing import Protocol

from fastserve.stream.request import Request
from fastserve.stream.sink import Observer

class _Tell(Protocol):
    def __call__(
        self,
        request: Request,
        status: int,
        took_s: float,
        thread_s: float,
        body_s: float,
        ran_s: float,
        cpu_s: float,
        client_s: float,
        /,
    ) -> None: ...

class SlowRequests(Observer):
    """Calls `tell` for each request that took `threshold_s` or longer; endpoint and driver have to be timed.

    :param tell: called with the request, the answer's status, and seconds: in all, waiting for a thread,
        waiting for the request's body, in the application's own code, of that on a processor, waiting for the
        client
    """

    def __init__(self, threshold_s: float, tell: _Tell) -> None: ...
