"""The measurements as a picture."""

from __future__ import annotations

import textwrap
from itertools import pairwise
from pathlib import Path

from .run import MB, Result


def plot(result: Result, path: Path, machine: str) -> None:
    """Write an SVG. Needs matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "soak", "font.size": 9})
    import matplotlib.pyplot as plt

    samples = result.samples
    at_s = [sample.at_s for sample in samples]
    figure, (memory, descriptors, rates) = plt.subplots(3, 1, sharex=True, figsize=(9, 6))
    memory.plot(at_s, [sample.rss_bytes / MB for sample in samples], color="C0")
    memory.set_ylim(bottom=0)
    memory.set_ylabel("resident memory, MB")
    descriptors.plot(at_s, [sample.descriptors for sample in samples], color="C1")
    descriptors.set_ylim(bottom=0)
    descriptors.set_ylabel("descriptors")
    for name, color in (("answers", "C2"), ("offences", "C3")):
        counts = [(getattr(b, name) - getattr(a, name)) / (b.at_s - a.at_s) for a, b in pairwise(samples)]
        rates.plot(at_s[1:], counts, color=color, label=f"{name} per second")
    rates.set_yscale("log")
    rates.legend(loc="lower right")
    rates.set_xlabel(f"seconds; {machine}")
    figure.suptitle(textwrap.fill(result.summary(), 110), fontsize=9)
    figure.tight_layout()
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
