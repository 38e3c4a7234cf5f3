"""What do the parts of one request cost? pytest-benchmark, over connections in memory: no system call.

    python -m pytest bench/micro --benchmark-group-by=group --benchmark-columns=min,median,iqr,ops

A whole request is fed to a `Connection` and answered to a transport that drops what it gets. The tests of a
group differ in one thing, so that its cost is their difference: the fields of the request's head, of the
scope or of the response's head, the framing of a body. The parser is also measured alone, on heads without
their end. These times compare builds on one machine; ``python -m bench`` says what a request costs in all.
"""

import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop
from pytest_benchmark.fixture import BenchmarkFixture

from bench.apps.plain_asgi import Message, Receive, Send, echo
from bench.memory import MINIMAL, Setup, Sunk, Turning, answering, connect, request
from fastserve.h1.connection import Connection

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="before eager tasks, a request needs turns of the event loop"
)

BROWSER = [
    ("Host", "localhost:8000"),
    ("Connection", "keep-alive"),
    ("Cache-Control", "max-age=0"),
    ("Upgrade-Insecure-Requests", "1"),
    ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Cookie", "session=5f0c2f3e9a7b4d1c8e6f; theme=dark; seen=1,2,3"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "none"),
]
UNKNOWN = MINIMAL + [(f"X-Field-{i}", f"value {i}") for i in range(19)]
HEADS = {"minimal": MINIMAL, "browser": BROWSER, "20-unknown": UNKNOWN}

PARTIAL_HEADS = 500
"""Connections that one round of the parser's own benchmark feeds."""


async def echoing(scope: Message, receive: Receive, send: Send) -> None:
    """An application that reads the body and sends it back."""
    await echo(receive, send)


def run_on_uvloop(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` in a loop of its own. Requests begin as eager tasks in it, and end before it turns."""
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()


@pytest.fixture
def null_fd() -> Iterator[int]:
    """A descriptor that drops what is written."""
    fd = os.open(os.devnull, os.O_WRONLY)
    yield fd
    os.close(fd)


@pytest.fixture
def measure(benchmark: BenchmarkFixture, null_fd: int) -> Callable[..., None]:
    """Feeds `data` to one connection, again and again; each feed must give `answers` answers in one write."""

    async def run(data: bytes, setup: Setup, answers: int) -> None:
        loop = Turning()
        endpoint = setup.endpoint(loop, null_fd)
        connection, transport = connect(endpoint)

        def feed() -> None:
            connection.data_received(data)
            loop.turn()

        benchmark(feed)
        assert transport.last[0].count(b"HTTP/1.1 200 OK\r\n") == answers
        connection.connection_lost(None)
        endpoint.close()

    def measured(data: bytes, setup: Setup | None = None, answers: int = 1) -> None:
        run_on_uvloop(run(data, setup or Setup(), answers))

    return measured


@pytest.mark.benchmark(group="parser alone, 500 heads without their end")
@pytest.mark.parametrize("head", HEADS)
def test_parser(benchmark: BenchmarkFixture, null_fd: int, head: str) -> None:
    data = request(HEADS[head])[:-2]
    opened: list[tuple[Connection, Sunk]] = []
    loops: list[Turning] = []

    def close() -> None:
        for connection, _ in opened:
            connection.connection_lost(None)
        opened.clear()

    def feed() -> None:
        for connection, _ in opened:
            connection.data_received(data)
        loops[0].turn()

    async def run() -> None:
        loops.append(Turning())
        endpoint = Setup().endpoint(loops[0], null_fd)

        def prepare() -> None:
            close()
            opened.extend(connect(endpoint) for _ in range(PARTIAL_HEADS))

        benchmark.pedantic(feed, setup=prepare, rounds=100, warmup_rounds=5)  # type: ignore[no-untyped-call]
        for connection, transport in opened:  # the end completes each head: nothing of it was lost
            connection.data_received(b"\r\n")
            loops[0].turn()
            assert transport.last[0].startswith(b"HTTP/1.1 200 OK\r\n")
        close()
        endpoint.close()

    run_on_uvloop(run())


@pytest.mark.benchmark(group="request head")
@pytest.mark.parametrize("head", HEADS)
def test_request_head(measure: Callable[..., None], head: str) -> None:
    measure(request(HEADS[head]))


@pytest.mark.benchmark(group="rules")
@pytest.mark.parametrize(
    "fields",
    [
        [],
        [("Connection", "keep-alive")],
        [("Content-Length", "0")],
        [("Content-Length", "0"), ("Expect", "100-continue"), ("Connection", "keep-alive")],
    ],
    ids=["host", "connection", "length", "all"],
)
def test_rules(measure: Callable[..., None], fields: list[tuple[str, str]]) -> None:
    measure(request([*MINIMAL, *fields]))


@pytest.mark.benchmark(group="target")
@pytest.mark.parametrize("target", ["/", "/items/42/details", "/items/42?page=2&order=name", "/%D7%A9%D7%9C"])
def test_target(measure: Callable[..., None], target: str) -> None:
    measure(request(target=target))


@pytest.mark.benchmark(group="scope")
@pytest.mark.parametrize(
    ("state", "root_path"), [(0, ""), (10, ""), (0, "/api")], ids=["plain", "state", "root-path"]
)
def test_scope(measure: Callable[..., None], state: int, root_path: str) -> None:
    measure(request(), Setup(state={f"key{i}": i for i in range(state)}, root_path=root_path))


@pytest.mark.benchmark(group="response head")
@pytest.mark.parametrize("headers", [2, 12, 40])
def test_response_head(measure: Callable[..., None], headers: int) -> None:
    measure(request(), Setup(answering(headers)))


@pytest.mark.benchmark(group="request body, 1 KiB echoed")
@pytest.mark.parametrize("chunks", [0, 1, 16], ids=["content-length", "1-chunk", "16-chunks"])
def test_body(measure: Callable[..., None], chunks: int) -> None:
    if chunks:
        chunk = b"%x\r\n%b\r\n" % (1024 // chunks, b"x" * (1024 // chunks))
        head, body = ("Transfer-Encoding", "chunked"), chunk * chunks + b"0\r\n\r\n"
    else:
        head, body = ("Content-Length", "1024"), b"x" * 1024
    measure(request([*MINIMAL, head], method="POST", body=body), Setup(echoing))


@pytest.mark.benchmark(group="access log")
@pytest.mark.parametrize("access_log", [False, True], ids=["off", "on"])
def test_access_log(measure: Callable[..., None], access_log: bool) -> None:
    measure(request(), Setup(access_log=access_log))


@pytest.mark.benchmark(group="log line")
@pytest.mark.parametrize(
    "target", ["/", "/items/42/details?page=2&order=name", "/%D7%A9%D7%9C"], ids=["short", "long", "escaped"]
)
def test_log_line(measure: Callable[..., None], target: str) -> None:
    measure(request(target=target), Setup(access_log=True))


@pytest.mark.benchmark(group="requests in one read")
@pytest.mark.parametrize("depth", [1, 4, 16])
def test_pipelined(measure: Callable[..., None], depth: int) -> None:
    measure(request() * depth, answers=depth)
