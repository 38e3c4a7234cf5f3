"""What do the parts of one request cost? pytest-benchmark, over connections in memory: no system call.

    python -m pytest bench/micro --benchmark-group-by=group --benchmark-columns=min,median,iqr,ops

A whole request is fed to a `Connection` and answered to a transport that drops what it gets. The tests of a
group differ in one thing, so that its cost is their difference: the fields of the request's head, of the
scope or of the response's head, the framing of a body. The parser is also measured alone, on heads without
their end. These times compare builds on one machine; ``python -m bench`` says what a request costs in all.
"""

import asyncio
import contextvars
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import uvloop
from pytest_benchmark.fixture import BenchmarkFixture

from bench.apps.plain_asgi import HELLO, Message, Receive, Send, echo
from fastserve import Config
from fastserve.asgi.driver import ASGIDriver
from fastserve.features.access_log import AccessLog
from fastserve.h1.connection import Connection
from fastserve.net.endpoint import Endpoint

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="before eager tasks, a request needs turns of the event loop"
)

App = Callable[[Message, Receive, Send], Awaitable[None]]

MINIMAL = [("Host", "localhost:8000")]
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


def request(
    headers: list[tuple[str, str]] = MINIMAL, target: str = "/", method: str = "GET", body: bytes = b""
) -> bytes:
    """One request as a client writes it."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode() + body


def answering(headers: int) -> App:
    """An application that answers with `headers` header fields."""
    fields = [(b"content-type", b"text/plain"), (b"content-length", str(len(HELLO)).encode())]
    fields += [(f"x-field-{i}".encode(), f"value {i}".encode()) for i in range(headers - len(fields))]

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": HELLO})

    return app


async def echoing(scope: Message, receive: Receive, send: Send) -> None:
    """An application that reads the body and sends it back."""
    await echo(receive, send)


class Sunk(asyncio.Transport):
    """A transport that takes everything at once and remembers the last write."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 8000)})
        self.last: deque[bytes] = deque(maxlen=1)
        self.write = self.last.append  # type: ignore[method-assign,assignment]

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def abort(self) -> None:
        pass


class Turning:
    """The running loop, except that what is to be called soon is called by :meth:`turn`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._soon: list[Callable[[], None]] = []
        self.call_soon = self._soon.append

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def turn(self) -> None:
        """What an event loop does once it has read every connection that has something."""
        while self._soon:
            self._soon.pop()()


@dataclass
class Setup:
    """What is around the connection, in the options' terms."""

    app: App = field(default_factory=lambda: answering(2))
    state: dict[str, Any] = field(default_factory=dict)
    root_path: str = ""
    access_log: bool = False

    def endpoint(self, loop: Turning, log_fd: int) -> Endpoint:
        """For the running loop; lines of the access log go to `log_fd`."""
        running = asyncio.get_running_loop()
        driver = ASGIDriver(self.app, running, contextvars.copy_context(), self.state, self.root_path)
        observers = [AccessLog(running, log_fd)] if self.access_log else []
        return Endpoint(cast(asyncio.AbstractEventLoop, loop), Config(self.app), driver, (), observers)


def connect(endpoint: Endpoint) -> tuple[Connection, Sunk]:
    """A connection on a transport of its own."""
    connection, transport = Connection(endpoint), Sunk()
    connection.connection_made(transport)
    return connection, transport


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


@pytest.mark.benchmark(group="requests in one read")
@pytest.mark.parametrize("depth", [1, 4, 16])
def test_pipelined(measure: Callable[..., None], depth: int) -> None:
    measure(request() * depth, answers=depth)
