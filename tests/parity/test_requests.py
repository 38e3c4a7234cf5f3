"""The same answers to everything? Whole and cut, of every implementation; differences.py has what differs."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given, settings
from wire.exchange import cut
from wire.fuzz_inputs import bent
from wire.memory import MemoryServer
from wire.servers import HTTP_IMPLEMENTATIONS, PROFILES

from .differences import TABLE, Difference, assert_agree
from .messages import bent_conversations, conversations, cuts

EXAMPLES, EXAMPLES_FOR_PARITY = 60, 1500

Servers = dict[str, MemoryServer]


@pytest.fixture(scope="module", params=["plain", "limits"])
def servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    """Every implementation, with the same options."""
    running = {http: MemoryServer(http, PROFILES[request.param]) for http in HTTP_IMPLEMENTATIONS}
    yield running
    for server in running.values():
        server.stop()


def assert_all_agree(servers: Servers, data: bytes, offsets: list[int]) -> list[int]:
    """Send the bytes and then nothing more, in one piece and cut; return the statuses of the answers."""
    first, *others = servers
    whole = servers[first].run([data], half_close=True)
    pieces = cut(data, *(offset for offset in set(offsets) if offset < len(data)))
    for http in (first, *others):
        for way in [[data], pieces, [data[i : i + 1] for i in range(len(data))]]:
            assert_agree(data, http, servers[http].run(way, half_close=True), first, whole)
    return [int(line[9:12]) for line in whole.raw.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def agreement(
    seed: int, parity: bool, data: hypothesis.strategies.SearchStrategy[bytes], servers: Servers
) -> None:
    @hypothesis.seed(seed)
    @settings(
        max_examples=EXAMPLES_FOR_PARITY if parity else EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @given(data, cuts)
    def agree(data: bytes, offsets: list[int]) -> None:
        assert_all_agree(servers, data, offsets)

    agree()


def test_requests(seed: int, parity: bool, servers: Servers) -> None:
    agreement(seed, parity, conversations, servers)


def test_bent_requests(seed: int, parity: bool, servers: Servers) -> None:
    agreement(seed, parity, bent_conversations(), servers)


def test_what_the_fuzzer_sends(seed: int, parity: bool, servers: Servers) -> None:
    chance = random.Random(seed)
    for _ in range(2000 if parity else 100):
        data = bent([], chance)
        if data:
            assert_all_agree(servers, data, chance.choices(range(1, 400), k=3))


#: By which implementations once differed, or differ for a reason.
KNOWN = [
    b"OPTIONS  HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / RTSP/1.0\r\nHost: a\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET /\nHost: a\r\n\r\n",
    b"CONNECT \r\n\r\n",
    b"CONNECT a:1\r\n\r\n",
    b"CONNECT v\nHost: a\r\n\r\n",
    b"CONNECT  HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\nCONNECT  HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT  HTTP/1.2\r\n\r\n",
    b"F\0O",
    b"PRI / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.2\r\nHost: a\r\n\x0f\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000;a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n000000000000000;=b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0000000000000000;=b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n00000000000000000;=b\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked \t \r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked \r\n\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("data", KNOWN)
def test_known_cases(servers: Servers, data: bytes) -> None:
    statuses = assert_all_agree(servers, data, [1, 10, 20])
    assert all(status >= 400 or b"chunked" in data for status in statuses)


DIFFERENT = {
    "a framing field's value": b"GET / HTTP/2.0\r\nContent-Length: +5\r\n\r\n",
    "an authority in the target": b'GET http://a"',
    "the preface of HTTP/2": b"PRI / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x,y\r\n",
    "words of RTSP": b"DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_every_row_of_the_table_is_needed(servers: Servers, row: Difference) -> None:
    """A row that no case needs any more would hide a difference of another kind."""
    if len(servers) < 2:
        pytest.skip("there is nobody to compare with")
    data = DIFFERENT[row.name]
    first = HTTP_IMPLEMENTATIONS[0]
    ours, theirs = (servers[http].run([data], half_close=True) for http in (row.of, first))
    assert ours.comparable() != theirs.comparable()
    assert_agree(data, row.of, ours, first, theirs)


def test_the_page_tells_the_same_differences() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-a-server-works.md"
    if not page.exists():
        pytest.skip("the pages are not here: these tests ran for an installed wheel")
    rows = page.read_text().partition("\n| option ")[0]  # those come from another table
    assert re.findall(r"^\| (.*?) \| ", rows, re.MULTILINE)[1:] == [row.name for row in TABLE]
