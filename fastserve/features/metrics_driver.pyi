from collections.abc import Callable

from fastserve.stream.stream import Driver, Stream

class MetricsDriver(Driver):
    """Answers for a path with a page of numbers; other requests are its inner driver's.

    :param inner: the driver of all other requests
    :param path: of the page
    :param page: called with the request's Accept field, or ""; returns the page and its content type
    """

    def __init__(self, inner: Driver, path: str, page: Callable[[str], tuple[bytes, str]]) -> None: ...
    def in_flight(self) -> int: ...
    def cancel_all(self) -> int: ...
    def close(self) -> int: ...

class MetricsAnswer(Stream):
    """A request that is answered as soon as it is here; a body is of no interest."""
