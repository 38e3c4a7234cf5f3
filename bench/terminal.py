"""What does the one see who waits for the benchmark: how far it is, and what came out?"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from bench.result import Report, Row, WorkloadResult
from bench.standing import standings
from bench.text import about, sentence, skipped, spread_text

DETAILS = {
    "requests_per_s": ("requests/s", ",.0f"),
    "p50_ms": ("p50 ms", ".2f"),
    "p99_ms": ("p99 ms", ".2f"),
    "p999_ms": ("p99.9 ms", ".2f"),
    "memory_mb": ("memory MB", ".1f"),
    "server_busy": ("server busy", ".0%"),
    "server_waited": ("waited", ".0%"),
    "load_busy": ("load busy", ".0%"),
}
"""Details of a sample that are shown, with their titles and formats."""

LIMITED = {"requests_per_s", "p50_ms", "p99_ms", "p999_ms"}
"""Where the load client was the limit, these are its own; they are marked so."""

WIDTH_MIN = 150
"""Where nobody's terminal says how wide it is."""


class Waiting:
    """A bar of the samples that are left, on stderr, and a line for each that was taken."""

    def __init__(self, samples: int) -> None:
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description:<32}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            auto_refresh=False,  # by a thread, which a process that forks should not have
        )
        self._task = self._progress.add_task("", total=samples)

    def __enter__(self) -> Waiting:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._progress.console.print(Text(line))

    def begin(self, result: WorkloadResult, row: Row) -> None:
        """A sample is being taken."""
        self._progress.update(self._task, description=f"{result.workload.name} · {row.name}")
        self._progress.refresh()

    def end(self, number: int, result: WorkloadResult, row: Row) -> None:
        """It was taken, or the row is void."""
        self._progress.advance(self._task)
        metric = result.workload.metric
        if row.void:
            said = f"VOID: {row.void}"
        else:
            said = f"{row.samples[-1].value:11.{metric.digits}f} {metric.unit}"
            if "requests_per_s" in row.samples[-1].details:
                said += f"  {row.samples[-1].details['requests_per_s']:11,.0f}/s"
        self.say(f"round {number + 1}  {result.workload.name:<16} {row.name:<24} {said}")


def show(report: Report) -> None:
    """One table for each workload, its comparisons below it, on stdout."""
    console = Console(highlight=False)
    if console.width < WIDTH_MIN and not console.is_terminal:
        console = Console(highlight=False, width=WIDTH_MIN)
    for line in about(report) + skipped(report):
        console.print(Text(line, style="dim"))
    for result in report.results:
        console.print(table(result))
        for outcome in result.outcomes(report.version):
            style = {True: "green", False: "red", None: ""}[outcome.met]
            console.print(Text(f"  {sentence(outcome, result.workload.metric)}", style=style))
    for line in standings(report):
        console.print(Text(line))


def table(result: WorkloadResult) -> Table:
    """One workload: a line for each row, the least of the metric first."""
    metric = result.workload.metric
    seen = {name for row in result.rows.values() for sample in row.samples for name in sample.details}
    details = [name for name in DETAILS if name in seen]
    shown = Table(title=result.workload.title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    shown.add_column("")
    shown.add_column(f"{metric.name}, {metric.unit}", justify="right")
    for name in details:
        shown.add_column(DETAILS[name][0], justify="right")
    counting = [row for row in result.rows.values() if row.counts]
    for row in sorted(counting, key=lambda row: row.spread().median):
        shown.add_row(
            row.name, spread_text(row.spread(), metric.digits), *(cell(row, name) for name in details)
        )
    for row in result.rows.values():
        if row.void:
            shown.add_row(row.name, Text(f"VOID: {row.void}", style="red"))
    if any(row.saturated for row in counting):
        shown.caption = "* the load client was the limit: its rate and latency, not the server's"
    return shown


def cell(row: Row, name: str) -> str:
    """The median of a detail; with a star where it is the load client's doing."""
    spread = row.detail(name)
    if spread is None:
        return ""
    star = "*" if name in LIMITED and row.saturated else ""
    return format(spread.median, DETAILS[name][1]) + star
