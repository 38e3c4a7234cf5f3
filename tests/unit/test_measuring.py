"""What a process counts: the words that the numbers go by are those of the code."""

from __future__ import annotations

import pytest
from source_tree import ROOT

from fastserve.measuring import LIMITS
from fastserve.options import BY_NAME


@pytest.mark.skipif(not (ROOT / "csrc").is_dir(), reason="the sources are not here")
def test_reasons_that_are_limits_are_given() -> None:
    text = "".join(
        path.read_text()
        for pattern in ("csrc/*.c", "fastserve/h1/*.pyx", "fastserve/net/*.pyx")
        for path in ROOT.glob(pattern)
    )
    assert [reason for reason in LIMITS if f'"{reason}"' not in text] == []


def test_limits_are_options() -> None:
    assert set(LIMITS.values()) <= BY_NAME.keys()
