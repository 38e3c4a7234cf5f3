"""Where do results stand? In bench/results.json; the README's table, a page of docs/ and charts are made from
it.

    python -m bench.publish             # make them from bench/results.json
    python -m bench.publish FILE        # let FILE be bench/results.json first
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

from bench import charts
from bench.markdown import markdown, page
from bench.result import Report
from bench.servers import ROOT

RESULTS = ROOT / "bench" / "results.json"
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "benchmark-results.md"
CHARTS = ROOT / "docs" / "charts"
BLOCK = re.compile(r"(?<=<!-- bench:begin -->\n).*(?=<!-- bench:end -->)", re.DOTALL)


def committed() -> Report:
    """What bench/results.json says."""
    return Report.from_json(json.loads(RESULTS.read_text(encoding="utf-8")))


def digest() -> str:
    """Names the results."""
    return hashlib.sha256(RESULTS.read_bytes()).hexdigest()[:16]


def readme(report: Report) -> str:
    """The README with the report's table in its place."""
    return BLOCK.sub(lambda _: markdown(report) + "\n", README.read_text(encoding="utf-8"))


def publish() -> None:
    """Write all that is made from the results."""
    report = committed()
    README.write_text(readme(report), encoding="utf-8")
    PAGE.write_text(page(report), encoding="utf-8")
    CHARTS.mkdir(exist_ok=True)
    for path in CHARTS.glob("*.svg"):
        path.unlink()
    charts.draw(report, CHARTS, digest())


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).replace(RESULTS)
    publish()
