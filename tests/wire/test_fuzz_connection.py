"""A short run of the whole-connection fuzzer; `make fuzz` makes the long one."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from .fuzz_connection import PROFILES, Fuzzed, new_loop
from .fuzz_inputs import bent

#: By which it was broken once.
BREAKING = [
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"42\r\n" + b"b" * 66 + b"\r\n1;" + b"e" * 30 + b"\r\nx\r\n0\r\n\r\n",
    b"HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n",
]


@pytest.fixture(params=list(PROFILES))
def fuzzed(request: pytest.FixtureRequest, http: str) -> Iterator[Fuzzed]:
    loop = new_loop()
    connection = Fuzzed(loop, request.param, http)
    yield connection
    connection.close()
    loop.close()


@pytest.mark.parametrize("count", [800, pytest.param(200_000, marks=pytest.mark.huge)])
def test_random_bytes(fuzzed: Fuzzed, seed: int, count: int) -> None:
    chance = random.Random(seed)
    known: dict[tuple[object, ...], bytes] = {}
    for _ in range(count):
        data = bent(list(known.values()), chance)
        try:
            known.setdefault(fuzzed.check(data, chance).kind, data)
        except AssertionError as error:
            raise AssertionError(f"{data!r}\n{error}") from None


@pytest.mark.parametrize("data", BREAKING)
def test_inputs_that_broke_it(fuzzed: Fuzzed, data: bytes) -> None:
    for seed in range(10):
        fuzzed.check(data, random.Random(seed))
