"""Is fastserve the first among the Python servers? Workload by workload, beside the best of the others."""

from __future__ import annotations

from dataclasses import dataclass

from bench.result import Report, Row, WorkloadResult
from bench.servers import SERVERS
from fastserve.measure.spread import Side, ratios

OURS = "fastserve"
NO_PYTHON_SERVERS = {"nginx", "picows", "floor"}
"""Yardsticks: one is no Python's, the others answer nothing but what they are asked here."""


@dataclass(frozen=True)
class Standing:
    """Our row beside the best rival's: who it is, how many times as much we spend, and on which side of 1
    that is."""

    workload: str
    rival: str
    times: float
    side: Side


def rivals(result: WorkloadResult) -> list[Row]:
    """The rows of other Python servers that were asked the same as ours, and count."""
    ours = next((entry for entry in result.workload.entries if entry.name == OURS), None)
    return [
        result.rows[entry.name]
        for entry in result.workload.entries
        if entry.name in result.rows
        and result.rows[entry.name].counts
        and not SERVERS[entry.server].ours
        and entry.server not in NO_PYTHON_SERVERS
        and ours is not None
        and entry.resumed == ours.resumed
    ]


def standing(result: WorkloadResult) -> Standing | None:
    """None where there is nobody to compare with."""
    others, ours = rivals(result), result.rows.get(OURS)
    if not others or ours is None or not ours.counts:
        return None
    best = min(others, key=lambda row: row.spread().median)
    both = min(len(ours.values), len(best.values))
    if not all(best.values[:both]):
        return None
    times = ratios(ours.values[:both], best.values[:both])
    return Standing(result.workload.name, best.name, times.median, times.side_of(1))


def standings(report: Report) -> list[str]:
    """A line for those where we are the first, those within the noise, and those where another one is."""
    found = [one for one in map(standing, report.results) if one is not None]
    lines = []
    for side, words in (
        (Side.BELOW, "first among the Python servers"),
        (Side.NOISE, "no difference to the best of the others beyond the noise"),
        (Side.ABOVE, "another Python server is ahead"),
    ):
        named = [one for one in found if one.side is side]
        if named:
            listed = ", ".join(
                one.workload
                if side is Side.BELOW
                else f"{one.workload} ({OURS} / {one.rival} {one.times:.2f})"
                for one in named
            )
            lines.append(f"{OURS}, {words} in {len(named)} of {len(found)} workloads: {listed}")
    return lines
