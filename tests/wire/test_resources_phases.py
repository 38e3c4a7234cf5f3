"""What is left of clients that go, stall or trickle, in every phase of a request? Nothing.

Descriptors, tasks, live objects (counted in a debug build) and memory come back to where they were, and the
processor rests. A few hundred clients each; with `--huge`, or `make resources`, thousands.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest

from .client import Client
from .script import answer, body, fill, read, script, start, wait_disconnect
from .servers import Pool, Server
from .verdict import G

pytestmark = [pytest.mark.proc, pytest.mark.memory]
CASES = pytest.mark.parametrize

MB = 1_000_000
HEAD_TIMEOUT_S = 30  # the default
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
WAITING = f"GET {script(wait_disconnect())} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
SLOW = f"GET {script(start(200), fill(65536, 400))} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
BEGUN = (
    f"GET {script(start(200), body(b'x', more=True), wait_disconnect())} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
)
EARLY = f"POST {script(answer())} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n".encode()
WHOLE = f"POST {script(read(), answer())} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".encode()


def answered(client: Client, data: bytes) -> None:
    client.send(data)
    assert client.response().status == 200


def begun(client: Client, data: bytes) -> None:
    client.send(data)
    assert client.receive()


PHASES: dict[str, Callable[[Client], None]] = {
    "connected": lambda client: None,
    "within the request line": lambda client: client.send(b"GET /a"),
    "within the head": lambda client: client.send(G + b"X: y"),
    "behind the head, before the body": lambda client: client.send(POST),
    "within the body": lambda client: client.send(POST + b"abc"),
    "while the application waits": lambda client: client.send(WAITING),
    "with pipelined requests behind": lambda client: client.send(WAITING + (G + b"\r\n") * 20),
    "within the answer": lambda client: begun(client, BEGUN),
    "within an answer that nobody takes": lambda client: client.send(SLOW),
    "behind an early answer": lambda client: answered(client, EARLY),
    "idle": lambda client: answered(client, WHOLE),
    "behind a refusal": lambda client: begun(client, b"\0\r\n\r\n"),
}


@pytest.fixture(params=["phases", "phases asyncio"], ids=["uvloop", "asyncio"])
def quiet(request: pytest.FixtureRequest, pool: Pool, http: str) -> Server:
    running = pool.get(http, request.param)
    running.seen()
    return running


def holdings(server: Server) -> tuple[dict[str, int], int]:
    """Live objects and descriptors."""
    server.seen()  # what the test's own application remembers
    return server.live(), server.descriptors()


def await_holdings(server: Server, live: dict[str, int], descriptors: int) -> None:
    """Half-closed clients are given up after half_close_timeout_s; nothing takes longer."""
    deadline_s = time.monotonic() + 15
    while (now := holdings(server)) and (now[0] != live or now[1] > descriptors):
        assert time.monotonic() < deadline_s, f"{now}, before: {live}, {descriptors}"
        time.sleep(0.02)


def assert_steady(server: Server, visit: Callable[[int], None], count: int) -> None:
    """After each of four visits by `count` clients the server holds what it held before, and rests."""
    live, descriptors = holdings(server)
    visit(min(count // 4, 100))  # pays for what is made once
    await_holdings(server, live, descriptors)
    rss_bytes = []
    for _ in range(4):
        visit(count // 4)
        await_holdings(server, live, descriptors)
        rss_bytes.append(server.rss_bytes())
    assert rss_bytes[3] - max(rss_bytes[:2]) < MB, rss_bytes
    cpu_s = server.cpu_s()
    time.sleep(0.2)
    assert server.cpu_s() - cpu_s < 0.1, "the processor does not rest"


@CASES("phase", list(PHASES))
@CASES("count", [100, pytest.param(10_000, marks=pytest.mark.huge)])
def test_resets_in_every_phase(quiet: Server, phase: str, count: int) -> None:
    def visit(times: int) -> None:
        for number in range(times):
            with quiet.connect() as client:
                PHASES[phase](client)
                client.reset()
            if number % 500 == 499:
                quiet.seen()

    assert_steady(quiet, visit, count)


@CASES("end", ["close", "reset", "shutdown_write"])
@CASES("count", [200, pytest.param(5000, marks=pytest.mark.huge)])
def test_slow_readers(quiet: Server, end: str, count: int) -> None:
    """Each is sent as much as the kernel and the write buffer take; then its application waits."""

    def visit(times: int) -> None:
        clients = [quiet.connect(receive_buffer_bytes=8192) for _ in range(times)]
        for client in clients:
            client.send(SLOW)
        settle(quiet)
        for client in clients:
            getattr(client, end)()
            client.close()

    assert_steady(quiet, visit, count)


def settle(server: Server) -> None:
    """Wait until the processor rests although every client is connected."""
    deadline_s = time.monotonic() + 60
    while True:
        cpu_s = server.cpu_s()
        time.sleep(0.2)
        if server.cpu_s() - cpu_s < 0.05:
            return
        assert time.monotonic() < deadline_s, "it spins"


@CASES("count", [40, pytest.param(1000, marks=pytest.mark.huge)])
def test_half_closed_in_every_phase(quiet: Server, count: int) -> None:
    def visit(times: int) -> None:
        clients = []
        for phase, enter in PHASES.items():
            for _ in range(times if "nobody takes" not in phase else 0):
                client = quiet.connect()
                clients.append(client)
                enter(client)
                client.shutdown_write()
        settle(quiet)
        for client in clients:
            client.close()

    assert_steady(quiet, visit, count)


@CASES(("count", "seconds"), [(100, 2), pytest.param(1000, 60, marks=pytest.mark.huge)])
def test_slow_writers(quiet: Server, count: int, seconds: int) -> None:
    """One byte a second each: they cost a read, are given up at the deadline, and leave nothing."""
    data = G + b"X: " + b"x" * 100
    live, descriptors = holdings(quiet)
    clients = [quiet.connect() for _ in range(count)]
    cpu_s = quiet.cpu_s()
    for at in range(seconds):
        for client in clients:
            with contextlib.suppress(OSError):  # given up
                client.send(data[at : at + 1])
        time.sleep(1)
    assert quiet.cpu_s() - cpu_s < 0.001 * count * seconds + 0.2
    given_up = sum(quiet.holds(client) is False for client in clients[:20])
    assert given_up == (20 if seconds > HEAD_TIMEOUT_S + 1 else 0)
    for client in clients:
        client.close()
    await_holdings(quiet, live, descriptors)
