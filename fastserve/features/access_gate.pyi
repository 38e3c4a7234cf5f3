from collections.abc import Iterable

from fastserve.loop_watch import LoopWatch
from fastserve.stream.sink import Observer

class AccessGate(Observer):
    """Lets through what shall be logged. What has failed (5xx) always is, unless its path is excluded.

    :param log: what writes the lines; has `flush`, `reopen` and `close`
    :param excluded: paths, or beginnings of paths that end in ``*``
    :param sample: the share of the requests that is logged, from 0 to 1
    :param slow_s: only requests that took so long, in seconds; needs the endpoint to be timed
    """

    def __init__(
        self, log: Observer, excluded: Iterable[str] = (), sample: float = 1.0, slow_s: float = 0.0
    ) -> None: ...
    def set_watch(self, watch: LoopWatch | None) -> None:
        """The log's own, if it has one."""

    def flush(self) -> None:
        """Writes the lines that wait."""

    def reopen(self) -> None:
        """The log's own."""

    def close(self) -> None:
        """The log's own."""
