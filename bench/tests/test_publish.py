"""What stands in the README and in docs/ is what bench/results.json says: `python -m bench.publish`."""

import re

from bench import publish
from bench.markdown import page


def test_the_table_of_the_readme_is_that_of_the_results() -> None:
    assert publish.readme(publish.committed()) == publish.README.read_text(encoding="utf-8")


def test_the_page_of_results_is_that_of_the_results() -> None:
    assert page(publish.committed()) == publish.PAGE.read_text(encoding="utf-8")


def test_the_charts_were_drawn_from_the_results() -> None:
    drawn = {path.name: path.read_text(encoding="utf-8") for path in publish.CHARTS.glob("*.svg")}
    shown = set(re.findall(r"\(charts/([\w.]+)\)", publish.PAGE.read_text(encoding="utf-8")))
    assert shown == set(drawn)
    assert [name for name, text in drawn.items() if f"results {publish.digest()}" not in text] == []
