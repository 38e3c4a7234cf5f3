"""How does a report read in a page? The README's table, and a page with every row."""

from __future__ import annotations

from dataclasses import replace

from bench.result import Report, Row, WorkloadResult
from bench.standing import OURS, standings
from bench.terminal import DETAILS, cell
from bench.text import about, sentence, spread_text, value
from bench.workload import Group
from fastserve.measure.spread import ratios

COLUMNS = ("fastserve", "uvicorn", "granian", "nginx", "floor")
"""Servers that have a column in the README; the page has them all."""

THEIRS = "uvicorn"
PAGE_DETAILS = tuple(name for name in DETAILS if name != "server_waited")


def markdown(report: Report) -> str:
    """The README's table: all workloads that have us in them, and below them what they were measured on."""
    results = [result for result in measured(report) if OURS in result.rows]
    rows_of = [result.rows for result in results]
    columns = [name for name in COLUMNS if any(name in rows for rows in rows_of)]
    lines = [
        "| workload | " + " | ".join(columns) + f" | {THEIRS} / {OURS} |",
        "|---" + "|--:" * (len(columns) + 1) + "|",
    ]
    lines += [line(result, columns) for result in results]
    notes = [
        "Microseconds are server CPU time per request, or per message; less is better.",
        *about(replace(report, servers={name: report.servers[name] for name in columns})),
    ]
    return "\n".join([*lines, "", *(f"<sub>{note}</sub><br>" for note in notes)])


def measured(report: Report) -> list[WorkloadResult]:
    """The workloads that were run, even if in vain."""
    return [one for one in report.results if any(row.counts or row.void for row in one.rows.values())]


def line(result: WorkloadResult, columns: list[str]) -> str:
    """One workload."""
    metric = result.workload.metric
    values = [value(result.rows.get(name), metric) for name in columns]
    return f"| {result.workload.title}, {metric.unit} | {' | '.join(values)} | {against(result)} |"


def against(result: WorkloadResult) -> str:
    """How many times as much the other spends."""
    ours, theirs = result.rows.get(OURS), result.rows.get(THEIRS)
    if ours is None or theirs is None or not (ours.counts and theirs.counts):
        return ""
    both = min(len(ours.values), len(theirs.values))
    if not all(ours.values[:both]):
        return ""
    return f"{ratios(theirs.values[:both], ours.values[:both]).median:.2f}"


def page(report: Report) -> str:
    """Every workload with every row, group by group, with a chart of each group."""
    parts = [
        "# What the benchmark measured",
        "Written by `make bench-publish` from `bench/results.json`, which has every sample; "
        "[benchmarks.md](benchmarks.md) tells how it is measured and what it does not tell.",
        *about(report),
        "A star: the load client's core was busy, so that rate and latency are its own, not the server's.",
        "\n".join(f"- {line}" for line in standings(report)),
        "![hello, every server](charts/hello.svg)",
    ]
    for group in Group:
        results = [result for result in measured(report) if result.workload.group is group]
        if results:
            parts += [f"## {group.value}", f"![{group.value}](charts/{group.name.lower()}.svg)"]
        for result in results:
            parts += [f"### {result.workload.title}", "\n".join(table(result))]
            said = [sentence(outcome, result.workload.metric) for outcome in result.outcomes(report.version)]
            parts += ["\n".join(f"- {words}" for words in said)] if said else []
    return "\n\n".join(parts) + "\n"


def table(result: WorkloadResult) -> list[str]:
    """The least of the metric first; void rows last, with what went wrong."""
    metric = result.workload.metric
    counting = sorted(
        (row for row in result.rows.values() if row.counts), key=lambda row: row.spread().median
    )
    seen = {name for row in counting for sample in row.samples for name in sample.details}
    details = [name for name in PAGE_DETAILS if name in seen]
    titles = [f"{metric.name}, {metric.unit}", *(DETAILS[name][0] for name in details)]
    lines = [f"| | {' | '.join(titles)} |", "|---" + "|--:" * len(titles) + "|"]
    lines += [cells(row, spread_text(row.spread(), metric.digits), details) for row in counting]
    lines += [f"| {row.name} | void: {row.void} |" for row in result.rows.values() if row.void]
    return lines


def cells(row: Row, shown: str, details: list[str]) -> str:
    """One row."""
    return (
        "| "
        + " | ".join([row.name, shown, *(cell(row, name).replace("*", "\\*") for name in details)])
        + " |"
    )
