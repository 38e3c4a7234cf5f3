"""How is a report shown? As tables in a terminal, as Markdown for the README, as JSON."""

import dataclasses
from typing import Any

from bench.result import Outcome, Report, Row, Spread, WorkloadResult
from bench.workload import Metric

LOAD_COLUMNS = {
    "requests_per_s": ("requests/s", ",.0f"),
    "p99_ms": ("p99 ms", ".2f"),
    "server_busy": ("server busy", ".0%"),
    "server_waited": ("server waited", ".0%"),
    "load_busy": ("load busy", ".0%"),
}
"""Details of a sample that are shown, with their titles and formats."""

CONTENTION_SHOWN = 0.1
"""Above this share of a run, caches are shared too, and CPU times are no longer the server's own."""


def terminal(report: Report) -> str:
    """One block for each workload: its rows, then its comparisons."""
    blocks = [header(report)]
    blocks += [block(result, report) for result in report.results]
    return "\n\n".join(blocks)


def header(report: Report) -> str:
    """On what was measured, and how."""
    machine, setting = report.machine, report.setting
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}; {report.interpreter.name}",
        "; ".join(f"{name}: {version}" for name, version in report.servers.items()),
        f"rounds: {report.rounds}, of {setting.load_s} s; {setting.connections} connections; server on core "
        f"{setting.server_core}, load on core {setting.load_core}; medians (lowest–highest)",
    ]
    if report.contention > CONTENTION_SHOWN:
        lines.append(
            f"other processes had the server's core for up to {report.contention:.0%} of a run: "
            "measure again on an idle machine"
        )
    return "\n".join(lines + skipped(report))


def skipped(report: Report) -> list[str]:
    """A line for each server that is not installed."""
    return [f"{name} is left out: not installed ({how})" for name, how in report.skipped.items()]


def block(result: WorkloadResult, report: Report) -> str:
    """One workload."""
    metric = result.workload.metric
    seen = {name for row in result.rows.values() if row.counts for name in row.samples[0].details}
    details = [name for name in LOAD_COLUMNS if name in seen]
    table = [["", f"{metric.name}, {metric.unit}", *(LOAD_COLUMNS[name][0] for name in details)]]
    table += [[name, *cells(row, metric, details)] for name, row in result.rows.items()]
    outcomes = [
        [outcome.comparison.name, ratio(outcome, metric), goal(outcome), outcome.verdict]
        for outcome in result.outcomes(report.interpreter.version)
    ]
    lines = [result.workload.title, *align(table), *align(outcomes)]
    return "\n  ".join(lines)


def cells(row: Row, metric: Metric, details: list[str]) -> list[str]:
    """A row's columns: the metric's spread, and the medians of the details."""
    if row.void:
        return [f"VOID: {row.void}"]
    shown = [format(row.detail(name).median, LOAD_COLUMNS[name][1]) for name in details]
    return [spread_text(row.spread(), metric.digits), *shown]


def spread_text(spread: Spread, digits: int) -> str:
    """``1.23 (1.20–1.31)``."""
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}–{spread.high:.{digits}f})"


def ratio(outcome: Outcome, metric: Metric) -> str:
    """The measured ratio, or the value with its unit where only one row is looked at."""
    if outcome.spread is None:
        return "void"
    if outcome.comparison.denominator is None:
        return f"{spread_text(outcome.spread, metric.digits)} {metric.unit}"
    return spread_text(outcome.spread, 2)


def goal(outcome: Outcome) -> str:
    """The goal with its word, or nothing."""
    return f"goal {outcome.comparison.goal}" if outcome.comparison.goal else ""


def align(table: list[list[str]]) -> list[str]:
    """The lines of a table, columns aligned; a cell that is the last of its line may be of any length."""
    width: dict[int, int] = {}
    for line in table:
        for column, cell in enumerate(line[:-1] if len(line) > 1 else line):
            width[column] = max(width.get(column, 0), len(cell))
    return ["  ".join(cell.ljust(width.get(i, 0)) for i, cell in enumerate(line)).rstrip() for line in table]


def markdown(report: Report) -> str:
    """One table of all workloads, a column for each server, and below it what it was measured on."""
    rows_of = [result.rows for result in report.results]
    servers = [name for name in report.servers if any(name in rows for rows in rows_of)]
    lines = [
        "| workload | " + " | ".join(servers) + " | ratio: measured (lowest–highest), goal |",
        "|---" * (len(servers) + 2) + "|",
    ]
    for result in report.results:
        metric = result.workload.metric
        values = [value(result.rows.get(name), metric) for name in servers]
        outcomes = result.outcomes(report.interpreter.version)
        judged = "<br>".join(sentence(outcome, metric) for outcome in outcomes if outcome.comparison.goal)
        lines.append(f"| {result.workload.title}, {metric.unit} | " + " | ".join(values) + f" | {judged} |")
    notes = ["Microseconds are server CPU time per request.", *header(report).splitlines()]
    return "\n".join([*lines, "", *(f"<sub>{note}</sub><br>" for note in notes)])


def value(row: Row | None, metric: Metric) -> str:
    """One cell of the Markdown table."""
    if row is None:
        return "–"
    return f"{row.spread().median:.{metric.digits}f}" if row.counts else "void"


def sentence(outcome: Outcome, metric: Metric) -> str:
    """``fastserve / floor 1.20 (1.18–1.22), ≤ 1.3: met``."""
    comparison = outcome.comparison
    return f"{comparison.name} {ratio(outcome, metric)}, {comparison.goal}: {outcome.verdict}"


def to_json(report: Report) -> dict[str, Any]:
    """Everything that was measured, for a program to read. `format` counts changes of this shape."""
    setting = report.setting
    return {
        "format": 1,
        "machine": dict(report.machine),
        "python": report.interpreter.name,
        "servers": dict(report.servers),
        "skipped": sorted(report.skipped),
        "method": {
            "rounds": report.rounds,
            "load_s": setting.load_s,
            "warm_up_s": setting.warm_up_s,
            "connections": setting.connections,
            "held": setting.held,
            "starts": setting.starts,
        },
        "contention": report.contention,
        "workloads": [workload_json(result, report) for result in report.results],
    }


def workload_json(result: WorkloadResult, report: Report) -> dict[str, Any]:
    """One workload: every sample, and the comparisons as judged."""
    workload = result.workload
    return {
        "name": workload.name,
        "title": workload.title,
        "metric": workload.metric.name,
        "unit": workload.metric.unit,
        "rows": [row_json(name, row) for name, row in result.rows.items()],
        "comparisons": [outcome_json(outcome) for outcome in result.outcomes(report.interpreter.version)],
    }


def row_json(name: str, row: Row) -> dict[str, Any]:
    """One row with its samples, in the order of the rounds."""
    return {
        "name": name,
        "server": row.entry.server,
        "access_log": row.entry.access_log,
        "void": row.void or None,
        "spread": dataclasses.asdict(row.spread()) if row.counts else None,
        "samples": [{"value": sample.value, **sample.details} for sample in row.samples],
    }


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """One comparison, its goal and its verdict."""
    return {
        "name": outcome.comparison.name,
        "at_most": outcome.comparison.at_most,
        "at_least": outcome.comparison.at_least,
        "spread": dataclasses.asdict(outcome.spread) if outcome.spread else None,
        "met": outcome.met,
        "within_spread": outcome.close,
    }
