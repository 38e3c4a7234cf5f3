from collections.abc import Callable

from fastserve.stream.stream import Driver, Stream

class HealthDriver(Driver):
    """Answers for a path whether the server lives, and for another whether it is ready for requests."""

    def __init__(
        self, inner: Driver, live_path: str, ready_path: str | None, is_ready: Callable[[], bool]
    ) -> None: ...
    def in_flight(self) -> int: ...
    def cancel_all(self) -> int: ...
    def close(self) -> int: ...

class HealthAnswer(Stream):
    """A request that is answered as soon as it is here; a body is of no interest."""
