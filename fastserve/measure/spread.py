"""What do several rounds say? Medians with their spread, and whether a difference is more than noise.

A ratio belongs to one round: it is computed from two measurements that follow each other, so that what slows
one round slows both. What the ratios of the rounds disagree about is noise, and a question whose answer lies
within the noise (is it 1? is the goal met?) is not answered.
"""

from __future__ import annotations

import enum
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Side", "Spread", "Void", "ratios"]

CONFIDENCE = 0.95


class Void(Exception):
    """A measurement that counts for nothing; the message says why."""


class Side(enum.Enum):
    """Where a spread lies, seen from a value."""

    BELOW = "below"
    ABOVE = "above"
    NOISE = "within the noise"


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, and where it may lie: `low` and `high` are the lowest and the highest round.

    From nine rounds on they are the rounds between which the true median lies with a probability of 95 % at
    least, whatever the distribution: the lowest and the highest only move apart the more is measured.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value."""
        known = sorted(values)
        beyond = _left_out(len(known))
        return cls(statistics.median(known), known[beyond], known[-1 - beyond])

    @property
    def noise(self) -> float:
        """How far the rounds lie apart, as a share of the median."""
        return (self.high - self.low) / self.median if self.median else 0.0

    def side_of(self, value: float) -> Side:
        """Where all rounds lie; `NOISE` where some lie on the one side and some on the other, or on it."""
        if self.high < value:
            return Side.BELOW
        return Side.ABOVE if self.low > value else Side.NOISE


def _left_out(count: int) -> int:
    """How many of so many sorted values lie outside an interval of confidence of their median, at either end.

    A value lies above the median as often as below it, like the sides of a coin (the sign test).
    """
    beyond, chance = 0, 2 * (1 + count) / 2**count
    while chance <= 1 - CONFIDENCE:
        beyond += 1
        chance += 2 * math.comb(count, beyond + 1) / 2**count
    return beyond


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Of `above` over `below`, divided round by round. Both have one value for each round, in their order."""
    return Spread.of(one / other for one, other in zip(above, below, strict=True))
