"""What do several rounds say? Medians with their spread, and whether a difference is more than noise.

A ratio belongs to one round: it is computed from two measurements that follow each other, so that what slows
one round slows both. What the ratios of the rounds disagree about is noise, and a question whose answer lies
within the noise (is it 1? is the goal met?) is not answered.
"""

from __future__ import annotations

import enum
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Side", "Spread", "Void", "ratios"]


class Void(Exception):
    """A measurement that counts for nothing; the message says why."""


class Side(enum.Enum):
    """Where a spread lies, seen from a value."""

    BELOW = "below"
    ABOVE = "above"
    NOISE = "within the noise"


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, and the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value."""
        known = list(values)
        return cls(statistics.median(known), min(known), max(known))

    @property
    def noise(self) -> float:
        """How far the rounds lie apart, as a share of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0

    def side_of(self, value: float) -> Side:
        """Where all rounds lie; `NOISE` where some lie on the one side and some on the other, or on it."""
        if self.high < value:
            return Side.BELOW
        return Side.ABOVE if self.low > value else Side.NOISE


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Of `above` over `below`, divided round by round. Both have one value for each round, in their order."""
    return Spread.of(one / other for one, other in zip(above, below, strict=True))
