"""How does a report look? Bars in SVG, whose colours stand out on a light page and on a dark one."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from bench.application import ALONE
from bench.result import Report, Row, WorkloadResult
from bench.standing import OURS
from bench.workload import Group

TEXT = "#808080"
"""In the middle: its contrast is above 3.9 on white and above 4.7 on the black of common dark themes."""

OUR_COLOR = "#2f9e44"
GREY = "#868e96"
COLORS = {
    OURS: OUR_COLOR,
    "uvicorn": "#4c8bf5",
    "granian": "#e8590c",
    "nginx": "#b08900",
    "floor": GREY,
    ALONE: GREY,
}
OTHER_COLOR = "#a070d0"
OUR_OTHER_COLOR = "#74b816"
"""For fastserve's other parsers, and under gunicorn."""
BAR = 0.22
"""Inches for each bar."""

WIDTH = 8.0
TITLE_CHARS = 30
"""How wide a workload's title may become beside its bars."""

LONGEST = 10.0
"""A bar that were more times as long as fastserve's is cut off there, and says so: the others can be read."""


def draw(report: Report, directory: Path, digest: str) -> None:
    """Write hello.svg and one picture for each group. Needs matplotlib.

    `digest` names the results that they were drawn from, in the files' metadata.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update(
        {
            **{f"{part}.color": TEXT for part in ("text", "xtick", "ytick")},
            "axes.edgecolor": TEXT,
            "axes.labelcolor": TEXT,
            "font.size": 9,
            "svg.fonttype": "none",
            "svg.hashsalt": "bench",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        }
    )
    for result in report.results:
        if result.workload.name == "hello":
            absolute(result, directory / "hello.svg", digest)
    for group in Group:
        results = [result for result in report.results if result.workload.group is group]
        results = [result for result in results if counts(result.rows.get(OURS))]
        if results:
            relative(results, directory / f"{group.name.lower()}.svg", digest)


def counts(row: Row | None) -> bool:
    """Is it there, with samples, and not zero? Ratios to it are drawn."""
    return row is not None and row.counts and row.spread().median > 0


def save(figure: Any, path: Path, digest: str) -> None:
    """Without a date, so that the same results give the same file."""
    import matplotlib.pyplot as plt

    figure.tight_layout()
    figure.savefig(path, transparent=True, metadata={"Date": None, "Description": f"results {digest}"})
    plt.close(figure)


def color_of(name: str) -> str:
    """A server's own colour, or that of its kind."""
    return COLORS.get(name, OUR_OTHER_COLOR if OURS in name else OTHER_COLOR)


def absolute(result: WorkloadResult, path: Path, digest: str) -> None:
    """One bar for each server, with the lowest and the highest of its rounds as a line."""
    import matplotlib.pyplot as plt

    rows = sorted((row for row in result.rows.values() if row.counts), key=lambda row: -row.spread().median)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + BAR * len(rows)))
    spreads = [row.spread() for row in rows]
    medians = [spread.median for spread in spreads]
    reach = (
        [spread.median - spread.low for spread in spreads],
        [spread.high - spread.median for spread in spreads],
    )
    colors = [color_of(row.name) for row in rows]
    bars = axes.barh([row.name for row in rows], medians, xerr=reach, color=colors, ecolor=TEXT)
    axes.bar_label(bars, fmt=f"%.{result.workload.metric.digits}f", padding=6)
    axes.margins(x=0.12)
    axes.set_xlabel(f"{result.workload.title}: {result.workload.metric.name}, {result.workload.metric.unit}")
    save(figure, path, digest)


def relative(results: list[WorkloadResult], path: Path, digest: str) -> None:
    """A cluster of bars for each workload: how many times as much as fastserve each server spends."""
    import matplotlib.pyplot as plt

    shown: list[tuple[float, str, float, str]] = []  # where, which server, how long, what it says
    ticks: list[tuple[float, str]] = []
    place = 0.0
    for result in reversed(results):
        metric, ours = result.workload.metric, result.rows[OURS].spread().median
        names = [name for name in reversed(COLORS) if counts(result.rows.get(name))]
        for name in names:
            median = result.rows[name].spread().median
            said, times = f"{median:.{metric.digits}f} {metric.unit}", median / ours
            if times > LONGEST:
                said += f" ({times:.0f} times; cut off)"
            shown.append((place, name, min(times, LONGEST), said))
            place += 1
        ticks.append((place - (len(names) + 1) / 2, textwrap.fill(result.workload.title, TITLE_CHARS)))
        place += 0.8
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + BAR * place))
    for name, color in COLORS.items():
        bars = [bar for bar in shown if bar[1] == name]
        if bars:
            drawn = axes.barh(
                [bar[0] for bar in bars], [bar[2] for bar in bars], 0.9, color=color, label=name
            )
            axes.bar_label(drawn, [bar[3] for bar in bars], padding=4, fontsize=8)
    axes.axvline(1, color=OUR_COLOR, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_yticks([tick[0] for tick in ticks], [tick[1] for tick in ticks])
    axes.margins(x=0.2, y=0.02)
    axes.set_xlabel(f"times {OURS}'s; less is better")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    save(figure, path, digest)
