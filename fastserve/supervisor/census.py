"""What have all workers done together?

The sum of what workers have told of themselves, those included that have ended, and what only the supervisor
knows: how many were started, and how they failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fastserve.supervisor.process import Process, status_of
from fastserve.tally import Numbers, Tally, added

__all__ = ["Census"]


class Census:
    """The numbers of the workers that are and were."""

    def __init__(self) -> None:
        self._tally = Tally()
        self._starts = 0
        self._failures: Counter[str] = Counter()

    def started(self) -> None:
        self._starts += 1

    def ended(self, worker: Process, was_asked: bool) -> None:
        self._tally.gone(worker.numbers)
        if not was_asked:
            self._failures[status_of(worker.status)] += 1

    def numbers(self, workers: Iterable[Process]) -> Numbers:
        """Return the sum, of these that live and of all that have ended."""
        workers = list(workers)
        own: Numbers = {
            "total": {"worker_starts": self._starts, "worker_failures": dict(self._failures)},
            "now": {"workers": dict(Counter(worker.state.value for worker in workers))},
        }
        whole: Numbers = added(self._tally.sum(worker.numbers for worker in workers), own)
        return whole
