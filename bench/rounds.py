"""In which order is measured, and what becomes of a sample that went wrong?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench.result import CONTENTION_MAX, Report, Row, WorkloadResult
from bench.workload import Entry, Sample, Setting
from fastserve.measure.spread import Void

RETAKES_MAX = 2

Step = tuple[int, WorkloadResult, Row]
"""A round's number, from 0, and the row to measure in it."""


def steps(report: Report) -> Iterator[Step]:
    """What is left to do, round by round; each round begins with another server of a workload.

    A row that has its sample of a round is passed over: so an interrupted run goes on.
    """
    for number in range(report.rounds):
        for result in report.results:
            rows = [row for row in result.rows.values() if row.chosen]
            first = number % max(len(rows), 1)
            for row in rows[first:] + rows[:first]:
                if not row.void and len(row.samples) <= number:
                    yield number, result, row


def left(report: Report) -> int:
    """How many samples are to be taken, if no row becomes void."""
    rows = [row for result in report.results for row in result.rows.values() if row.chosen and not row.void]
    return sum(max(report.rounds - len(row.samples), 0) for row in rows)


def take(result: WorkloadResult, row: Row, setting: Setting, number: int) -> None:
    """Take one sample, or void the row."""
    (entry,) = [entry for entry in result.workload.entries if entry.name == row.name]
    try:
        row.samples.append(undisturbed(lambda: measure(result, entry, setting)))
    except (Void, OSError) as error:
        reason = str(error) if isinstance(error, Void) else f"{type(error).__name__}: {error}"
        row.void = f"round {number + 1}: {reason}"


def measure(result: WorkloadResult, entry: Entry, setting: Setting) -> Sample:
    """One sample."""
    return result.workload.measure(setting, entry)


def undisturbed(once: Callable[[], Sample]) -> Sample:
    """A sample that was taken while the server had its core; after some tries, the best of them."""
    taken = []
    for _ in range(1 + RETAKES_MAX):
        sample = once()
        if sample.details.get("server_waited", 0) <= CONTENTION_MAX:
            return sample
        taken.append(sample)
    return min(taken, key=lambda sample: sample.details["server_waited"])
