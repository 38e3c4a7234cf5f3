"""What do the samples say? Medians with their spread, ratios round by round, goals met or not."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.servers import Interpreter
from bench.workload import Comparison, Entry, PythonVersion, Sample, Setting, Workload


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, and the lowest and the highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Of at least one value."""
        known = list(values)
        return cls(statistics.median(known), min(known), max(known))


@dataclass
class Row:
    """One entry's samples, one for each round; if `void` says what went wrong, they count for nothing."""

    entry: Entry
    samples: list[Sample] = field(default_factory=list)
    void: str = ""

    @property
    def counts(self) -> bool:
        """Has it samples that may be judged?"""
        return bool(self.samples) and not self.void

    def spread(self) -> Spread:
        """Of the values; of a row that counts."""
        return Spread.of(sample.value for sample in self.samples)

    def detail(self, name: str) -> Spread:
        """Of one of the details; of a row that counts."""
        return Spread.of(sample.details[name] for sample in self.samples)


@dataclass(frozen=True)
class Outcome:
    """A comparison as measured: the median of the rounds' ratios, or None when a row of it is void.

    `met` is None without a goal. `close` says that the goal lies within the spread of the rounds.
    """

    comparison: Comparison
    spread: Spread | None
    met: bool | None
    close: bool

    @property
    def verdict(self) -> str:
        """In words; empty without a goal."""
        if not self.comparison.goal:
            return ""
        if self.met is None:
            return "void"
        return ("met" if self.met else "not met") + (", within the spread" if self.close else "")


@dataclass
class WorkloadResult:
    """One workload's rows, in the order of its entries. Servers that are missing or not chosen have none."""

    workload: Workload
    rows: dict[str, Row]

    def outcomes(self, version: PythonVersion) -> list[Outcome]:
        """The comparisons for which both rows were run, on this CPython."""
        return [
            judge(comparison, self.rows)
            for comparison in self.workload.comparisons
            if comparison.applies_to(version)
            and comparison.numerator in self.rows
            and (comparison.denominator is None or comparison.denominator in self.rows)
        ]


@dataclass
class Report:
    """A whole run. `skipped` gives, for each server that was left out, how to install it."""

    setting: Setting
    rounds: int
    machine: Mapping[str, str | int]
    interpreter: Interpreter
    servers: Mapping[str, str]
    skipped: Mapping[str, str]
    results: list[WorkloadResult]

    @property
    def contention(self) -> float:
        """The share of a run that a server stood ready while others had its core: the worst row's median."""
        waited = [
            row.detail("server_waited").median
            for result in self.results
            for row in result.rows.values()
            if row.counts and "server_waited" in row.samples[0].details
        ]
        return max(waited, default=0.0)

    @property
    def void(self) -> bool:
        """Is any row void?"""
        return any(row.void for result in self.results for row in result.rows.values())


def judge(comparison: Comparison, rows: Mapping[str, Row]) -> Outcome:
    """Divide round by round: what slows one round slows both rows in it. Then take the median."""
    above = rows[comparison.numerator]
    below = rows[comparison.denominator] if comparison.denominator else None
    if not above.counts or (below is not None and not below.counts):
        return Outcome(comparison, None, None, close=False)
    if below is None:
        spread = above.spread()
    else:
        pairs = zip(above.samples, below.samples, strict=True)
        spread = Spread.of(one.value / other.value for one, other in pairs)
    met, goal = None, comparison.at_most
    if comparison.at_most is not None:
        met = spread.median <= comparison.at_most
    elif comparison.at_least is not None:
        met, goal = spread.median >= comparison.at_least, comparison.at_least
    return Outcome(comparison, spread, met, close=goal is not None and spread.low <= goal <= spread.high)
