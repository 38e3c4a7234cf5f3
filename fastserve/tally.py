"""How are the numbers of several processes added up?

What a process has counted is a dict that JSON can hold: `total`, what only ever grows, and `now`, what is the
case at this moment. Both are dicts of numbers, or of dicts of numbers: sums need no list of what there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["Numbers", "Tally", "added", "quantile"]

Numbers = dict[str, Any]


def added(one: Any, other: Any) -> Any:
    """Return the sum of two numbers, or of two dicts, key by key."""
    if not isinstance(one, dict):
        return one + other
    both = {**one, **other}
    return {key: added(one[key], other[key]) if key in one and key in other else both[key] for key in both}


def quantile(counts: Mapping[str, int], percent: float) -> float:
    """Return the upper bound of the bucket that so many percent are below or in; of the last one, its lower.

    `counts` are by upper bounds, in their order; without any, it is 0.
    """
    whole = sum(counts.values())
    seen, last = 0, 0.0
    for bound, count in counts.items():
        seen += count
        last = last if bound == "+Inf" else float(bound)
        if whole and seen * 100 >= whole * percent:
            return last
    return 0.0


class Tally:
    """The numbers of processes that come and go: what one has counted stays when it is gone."""

    def __init__(self) -> None:
        self._of_the_gone: Numbers = {}

    def gone(self, numbers: Numbers) -> None:
        """Keep what a process has counted that will count no more."""
        self._of_the_gone = added(self._of_the_gone, numbers.get("total", {}))

    def sum(self, living: Iterable[Numbers]) -> Numbers:
        """Return the numbers of all, the living ones' as given."""
        whole: Numbers = {"total": self._of_the_gone, "now": {}}
        for numbers in living:
            whole = added(whole, numbers)
        return whole
