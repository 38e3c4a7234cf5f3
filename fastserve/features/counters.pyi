from typing import Any

from fastserve.stream.sink import Observer

class Counters(Observer):
    """Counts the answers that end; the endpoint has to be timed."""

    def __init__(self) -> None: ...
    def snapshot(self) -> dict[str, Any]:
        """The numbers so far, in what JSON can hold, so that those of several processes can be added up.

        ``requests``: by ``"METHOD STATUS"``. ``durations``: how many fell into which bucket, by its upper
        bound in seconds; ``duration_s``: their sum. ``bytes_received`` and ``bytes_sent``: of bodies.
        """
