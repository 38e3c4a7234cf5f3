"""How does a report read in a page? One table, a column for each of the main servers."""

from __future__ import annotations

from bench.result import Report, WorkloadResult
from bench.servers import QUICK, SERVERS
from bench.text import about, sentence, value

COLUMNS = tuple(name for name in SERVERS if name in {*QUICK, "granian"})
"""Servers that have a column; others stand in the comparisons."""


def markdown(report: Report) -> str:
    """All workloads, and below them what they were measured on."""
    rows_of = [result.rows for result in report.results]
    columns = [name for name in COLUMNS if any(name in rows for rows in rows_of)]
    lines = [
        "| workload | " + " | ".join(columns) + " | ratio: median (lowest–highest), goal |",
        "|---" * (len(columns) + 2) + "|",
    ]
    lines += [line(result, columns, report) for result in report.results]
    notes = ["Microseconds are server CPU time per request.", *about(report)]
    return "\n".join([*lines, "", *(f"<sub>{note}</sub><br>" for note in notes)])


def line(result: WorkloadResult, columns: list[str], report: Report) -> str:
    """One workload."""
    metric = result.workload.metric
    values = [value(result.rows.get(name), metric) for name in columns]
    outcomes = [outcome for outcome in result.outcomes(report.version) if outcome.comparison.goal]
    judged = "<br>".join(sentence(outcome, metric) for outcome in outcomes)
    return f"| {result.workload.title}, {metric.unit} | " + " | ".join(values) + f" | {judged} |"
