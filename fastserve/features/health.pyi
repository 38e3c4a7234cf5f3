from collections.abc import Callable

from fastserve.features.outer import OuterDriver
from fastserve.stream.stream import Driver, Stream

class HealthDriver(OuterDriver):
    """Answers for a path whether the server lives, and for another whether it is ready for requests."""

    def __init__(
        self, inner: Driver, live_path: str, ready_path: str | None, is_ready: Callable[[], bool]
    ) -> None: ...

class HealthAnswer(Stream):
    """A request that is answered as soon as it is here; a body is of no interest."""
