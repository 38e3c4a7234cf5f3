"""What do the samples say? Medians with their spread, ratios round by round, goals met or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.workload import Comparison, PythonVersion, Sample, Workload
from bench.workloads import WORKLOADS
from fastserve.measure.spread import Side, Spread, ratios

FORMAT = 2
"""Counts changes of the JSON's shape."""

CONTENTION_MAX = 0.1
"""The share of a run in which others had the server's core. Beyond it, caches are shared too: it is taken
again."""

SATURATED = 0.95
"""Where the load client's core was as busy as this, requests/s and latency are its own, and not the
server's."""


@dataclass
class Row:
    """One row's samples, one for each round; if `void` says what went wrong, they count for nothing.

    This run takes those of rows that are `chosen`; the others come from a file that it goes on with.
    """

    name: str
    samples: list[Sample] = field(default_factory=list)
    void: str = ""
    chosen: bool = field(default=True, compare=False)

    @property
    def counts(self) -> bool:
        """Has it samples that may be judged?"""
        return bool(self.samples) and not self.void

    @property
    def values(self) -> list[float]:
        """Those of the workload's metric, round by round."""
        return [sample.value for sample in self.samples]

    def spread(self) -> Spread:
        """Of the values; of a row that counts."""
        return Spread.of(self.values)

    def detail(self, name: str) -> Spread | None:
        """Of one of the details; of a row that counts. None where its samples have no such detail."""
        known = [sample.details[name] for sample in self.samples if name in sample.details]
        return Spread.of(known) if known else None

    @property
    def saturated(self) -> bool:
        """Was the load client the limit?"""
        busy = self.detail("load_busy") if self.counts else None
        return busy is not None and busy.median >= SATURATED


@dataclass(frozen=True)
class Outcome:
    """A comparison as measured: the ratios of the rounds, or None when a row of it is void."""

    comparison: Comparison
    spread: Spread | None

    @property
    def met(self) -> bool | None:
        """Is the goal met in all rounds, or in none? None without a goal, and within the noise."""
        goal = self._goal()
        if self.spread is None or goal is None:
            return None
        if self.spread.low == self.spread.high == goal:
            return True
        side = self.spread.side_of(goal)
        if side is Side.NOISE:
            return None
        return side is (Side.BELOW if self.comparison.at_most is not None else Side.ABOVE)

    @property
    def verdict(self) -> str:
        """In words; empty without a goal, unless the two rows cannot be told from each other."""
        if self.spread is None:
            return "void"
        if self._goal() is None:
            same = self.comparison.denominator and self.spread.side_of(1) is Side.NOISE
            return "no difference beyond the noise" if same else ""
        if self.met is None:
            return "void: the goal lies within the noise"
        return "met" if self.met else "not met"

    def _goal(self) -> float | None:
        return self.comparison.at_least if self.comparison.at_most is None else self.comparison.at_most


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
            if comparison.applies_to(version) and all(name in self.rows for name in comparison.rows)
        ]


@dataclass
class Report:
    """A whole run, as it stands in its file of JSON.

    `servers` gives what was measured under each name; `skipped`, for each server that was left out, how to
    install it; `method` is how it was measured, in the words of `bench.workload.Setting`.
    """

    machine: dict[str, str | int]
    python: str
    version: PythonVersion
    servers: dict[str, str]
    skipped: dict[str, str]
    method: dict[str, Any]
    rounds: int
    results: list[WorkloadResult]

    @property
    def contention(self) -> float:
        """The share of a run that a server stood ready while others had its core: the worst row's median."""
        rows = [row for result in self.results for row in result.rows.values() if row.counts]
        waited = [row.detail("server_waited") for row in rows]
        return max((spread.median for spread in waited if spread is not None), default=0.0)

    @property
    def void(self) -> bool:
        """Is any row void?"""
        return any(row.void for result in self.results for row in result.rows.values())

    def to_json(self) -> dict[str, Any]:
        """Every sample, and on what it was taken."""
        return {
            "format": FORMAT,
            "machine": self.machine,
            "python": self.python,
            "version": list(self.version),
            "servers": self.servers,
            "skipped": self.skipped,
            "method": self.method,
            "rounds": self.rounds,
            "workloads": {
                result.workload.name: {name: row_json(row) for name, row in result.rows.items()}
                for result in self.results
            },
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Report:
        """What `to_json` gave. Workloads that are no longer there are left out, and so are their rows.

        Raises `ValueError` for another format.
        """
        if said.get("format") != FORMAT:
            raise ValueError(f"the results are of format {said.get('format')}, and not {FORMAT}")
        results = []
        for name, workload in WORKLOADS.items():
            rows = said["workloads"].get(name, {})
            kept = {
                entry.name: row_of(entry.name, rows[entry.name])
                for entry in workload.entries
                if entry.name in rows
            }
            if kept:
                results.append(WorkloadResult(workload, kept))
        major, minor = said["version"]
        return cls(
            said["machine"],
            said["python"],
            (major, minor),
            said["servers"],
            said["skipped"],
            said["method"],
            said["rounds"],
            results,
        )


def dumped(report: Report) -> str:
    """The report as text, a line for each row, so that a new measurement can be read as a difference."""
    said = report.to_json()
    workloads = said.pop("workloads")
    head = json.dumps(said, indent=1, ensure_ascii=False).removesuffix("\n}")
    blocks = []
    for name, rows in workloads.items():
        lines = [
            f"  {json.dumps(row)}: {json.dumps(samples, ensure_ascii=False)}" for row, samples in rows.items()
        ]
        blocks.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    return head + ',\n "workloads": {\n' + ",\n".join(blocks) + "\n}\n}\n"


def row_json(row: Row) -> dict[str, Any]:
    """A row; numbers to six significant digits, which is more than they are worth."""
    samples = [{"value": sample.value, **sample.details} for sample in row.samples]
    short = [{name: float(f"{value:.6g}") for name, value in sample.items()} for sample in samples]
    return {"void": row.void, "samples": short}


def row_of(name: str, said: Mapping[str, Any]) -> Row:
    """The other way round."""
    samples = [dict(sample) for sample in said["samples"]]
    return Row(name, [Sample(sample.pop("value"), sample) for sample in samples], said["void"])


def judge(comparison: Comparison, rows: Mapping[str, Row]) -> Outcome:
    """Divide round by round: what slows one round slows both rows in it."""
    if not all(rows[name].counts for name in comparison.rows):
        return Outcome(comparison, None)
    if comparison.denominator is None:
        return Outcome(comparison, rows[comparison.numerator].spread())
    rounds = min(len(rows[name].values) for name in comparison.rows)  # an interrupted run has half a round
    above, below = (rows[name].values[:rounds] for name in (comparison.numerator, comparison.denominator))
    if comparison.beyond is not None:
        common = rows[comparison.beyond].values[:rounds]
        above = [value - less for value, less in zip(above, common, strict=True)]
        below = [value - less for value, less in zip(below, common, strict=True)]
    if min(below) <= 0:
        return Outcome(comparison, None)  # nothing to divide by: noise, or nothing was spent
    return Outcome(comparison, ratios(above, below))
