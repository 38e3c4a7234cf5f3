"""How is a report told in words and numbers, wherever they stand?"""

from __future__ import annotations

from bench.result import CONTENTION_MAX, Outcome, Report, Row
from bench.workload import Metric
from fastserve.measure.spread import Spread


def about(report: Report) -> list[str]:
    """On what was measured, and how: a line each."""
    machine, method = report.machine, report.method
    cores = ", ".join(map(str, method["server_cores"]))
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}; {report.python}",
        "; ".join(f"{name}: {version}" for name, version in report.servers.items()),
        f"rounds: {report.rounds}, of {method['load_s']} s; {method['connections']} connections; "
        f"server on core {cores}, load on core {method['load_core']}; medians (lowest–highest)",
    ]
    if "clients" in method:
        lines.append(f"load: {method['clients']}, and clients of the benchmark's own")
    if report.contention > CONTENTION_MAX:
        lines.append(
            f"other processes had the server's core for up to {report.contention:.0%} of a run: "
            "measure again on an idle machine"
        )
    return lines


def skipped(report: Report) -> list[str]:
    """A line for each server that is not installed."""
    return [f"{name} is left out: not installed ({how})" for name, how in report.skipped.items()]


def spread_text(spread: Spread, digits: int) -> str:
    """``1.23 (1.20–1.31)``."""
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}–{spread.high:.{digits}f})"


def value(row: Row | None, metric: Metric) -> str:
    """A row's median alone, for a table with a column for each server."""
    if row is None or not (row.counts or row.void):
        return "–"
    return f"{row.spread().median:.{metric.digits}f}" if row.counts else "void"


def ratio(outcome: Outcome, metric: Metric) -> str:
    """The measured ratio, or the value with its unit where only one row is looked at."""
    if outcome.spread is None:
        return ""
    if outcome.comparison.denominator is None:
        return f"{spread_text(outcome.spread, metric.digits)} {metric.unit}"
    return spread_text(outcome.spread, 2)


def sentence(outcome: Outcome, metric: Metric) -> str:
    """``fastserve / floor 1.20 (1.18–1.22), goal ≤ 1.3: met``."""
    goal = f"goal {outcome.comparison.goal}" if outcome.comparison.goal else ""
    said = ", ".join(filter(None, (f"{outcome.comparison.name} {ratio(outcome, metric)}".rstrip(), goal)))
    return f"{said}: {outcome.verdict}" if outcome.verdict else said
