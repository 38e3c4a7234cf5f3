"""Does what must hold hold at the end of any order of steps? (storm.py)"""

from __future__ import annotations

import asyncio
import contextlib
import random

import pytest

from .storm import Storm

CASES = pytest.mark.parametrize


async def rage(http: str, seed: int, storms: int) -> None:
    chance = random.Random(seed)
    for _ in range(storms):
        # The seed that is told in a failure repeats that one storm: Storm(http, seed).
        await Storm(http, chance.randrange(2**32)).run()


@CASES("loop", ["uvloop", "asyncio"])
@CASES("storms", [40, pytest.param(20_000, marks=pytest.mark.huge)])
def test_storms(http: str, storms: int, loop: str, seed: int) -> None:
    with contextlib.closing(new_loop(loop)) as running:
        running.run_until_complete(rage(http, seed, storms))


def new_loop(name: str) -> asyncio.AbstractEventLoop:
    if name == "uvloop":
        return pytest.importorskip("uvloop").new_event_loop()  # type: ignore[no-any-return]
    return asyncio.new_event_loop()
