"""docs/reliability.md: its table is the table of options'."""

from __future__ import annotations

import pytest
from source_tree import ROOT

if not (ROOT / "docs").is_dir() or not (ROOT / "build_support").is_dir():
    pytest.skip("the pages are not here", allow_module_level=True)

from build_support.limits_table import updated


def test_the_table_of_limits_is_up_to_date() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert updated(page) == page, "python -m build_support.limits_table docs/reliability.md"


def test_a_table_that_is_not() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert updated(page.replace("| `head_timeout_s` | 30", "| `head_timeout_s` | 31")) == page
