from collections.abc import Callable

from fastserve.stream.sink import Observer

class RequestLimit(Observer):
    """Counts the answers that end, and calls `reached` once, at the last one of `count`."""

    @property
    def left(self) -> int: ...
    def __init__(self, count: int, reached: Callable[[], object]) -> None: ...
