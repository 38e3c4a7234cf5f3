"""The measurements as a picture."""

from __future__ import annotations

import textwrap
from itertools import pairwise
from pathlib import Path

from .run import MB, Result

#: In the middle: it can be read on a light page and on a dark one.
TEXT = "#808080"


def plot(result: Result, path: Path, machine: str) -> None:
    """Write an SVG. Needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update(
        {
            **{f"{part}.color": TEXT for part in ("text", "xtick", "ytick")},
            "axes.edgecolor": TEXT,
            "axes.labelcolor": TEXT,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "font.size": 9,
            "legend.frameon": False,
            "lines.linewidth": 1.0,
            "svg.fonttype": "none",
            "svg.hashsalt": "soak",
        }
    )
    import matplotlib.pyplot as plt

    samples = result.samples
    at_s = [sample.at_s for sample in samples]
    figure, (memory, descriptors, rates) = plt.subplots(3, 1, sharex=True, figsize=(9, 6))
    levels = (
        (memory, "resident memory, MB", [sample.rss_bytes / MB for sample in samples], "C0"),
        (descriptors, "descriptors", [sample.descriptors for sample in samples], "C1"),
    )
    for axes, name, values, color in levels:
        axes.plot(at_s, values, color=color)
        axes.set_ylim(0, 1.15 * max(values))
        axes.set_ylabel(name)
    for name, color in (("answers", "C2"), ("offences", "C3")):
        counts = [(getattr(b, name) - getattr(a, name)) / (b.at_s - a.at_s) for a, b in pairwise(samples)]
        rates.plot(at_s[1:], counts, color=color, label=f"{name} per second")
    rates.set_yscale("log")
    rates.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    rates.set_xlabel(f"seconds; {machine}")
    figure.suptitle(textwrap.fill(result.summary(), 110), fontsize=9)
    figure.tight_layout()
    figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)
