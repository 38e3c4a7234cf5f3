"""A few seconds of `make soak`: right answers, and nothing left. How memory goes takes longer to tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from .run import soak

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc"),
    pytest.mark.memory,
]

SECONDS = 4


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_few_seconds(seed: int, loop: str) -> None:
    pytest.importorskip("fastapi")
    pytest.importorskip("fastserve.net.debug")
    result = soak(SECONDS, seed, loop)
    assert result.samples[-1].answers > 50
    assert [fault for fault in result.faults() if not fault.startswith("memory grew")] == []
