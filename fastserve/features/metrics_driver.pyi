from collections.abc import Callable

from fastserve.features.outer import OuterDriver
from fastserve.stream.stream import Driver, Stream

class MetricsDriver(OuterDriver):
    """Answers for a path with a page of numbers; other requests are its inner driver's.

    :param inner: the driver of all other requests
    :param path: of the page
    :param page: called with the request's Accept field, or "", and with what takes the page and its content
        type, on the loop, then or later
    """

    def __init__(
        self, inner: Driver, path: str, page: Callable[[str, Callable[[bytes, str], None]], None]
    ) -> None: ...

class MetricsAnswer(Stream):
    """A request that is answered as soon as the page is there; a body is of no interest."""

    def answer(self, body: bytes, kind: str) -> None:
        """What takes the page."""
