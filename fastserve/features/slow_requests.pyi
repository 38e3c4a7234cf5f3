from collections.abc import Callable

from fastserve.stream.request import Request
from fastserve.stream.sink import Observer

class SlowRequests(Observer):
    """Calls `tell` for each request that took `threshold_s` or longer; the endpoint has to be timed.

    :param tell: called with the request, the answer's status, and seconds: in all, in the application's own
        steps, waiting for the request's body, waiting for the client; the last three are 0 where the driver
        does not note them
    """

    def __init__(
        self, threshold_s: float, tell: Callable[[Request, int, float, float, float, float], None]
    ) -> None: ...
