"""`--slow-request-ms`: what took long is told, with where its time went."""

from __future__ import annotations

import concurrent.futures
import contextlib
import re
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from .process import Process, rest, running

WAIT_S = 0.15  # what a test measures
LEAST_MS = 100  # of that
LINE = re.compile(r"[A-Z]+ (?P<path>\S+) took (?P<all>[\d,]+) ms: (?P<parts>.+); status (?P<status>\d+)\n")
PART = re.compile(
    r"(?P<ms>[\d,]+) ms (?P<kind>[\w ]+)(?: \((?P<cpu>[\d,]+) ms of them on the CPU\))?(?:, |$)"
)
BODY, CLIENT = "waiting for its body", "waiting for the client"
THREAD, LOOP = "waiting for a thread", "waiting for the event loop"
APPLICATION, CPU = "in the application", "on the CPU"

#: Of each way to serve: the application, the words, and what the time is split into.
WAYS = {
    "plain Python": ("slow:app", ("--http", "h11"), (BODY, APPLICATION, "suspended", CLIENT)),
    "asgi": ("slow:app", (), (BODY, APPLICATION, "suspended", CLIENT)),
    "threads": (
        "slow_wsgi:app",
        ("--interface", "wsgi", "--wsgi-threads", "1"),
        (THREAD, BODY, APPLICATION, LOOP, CLIENT),
    ),
    "inline": (
        "slow_wsgi:app",
        ("--interface", "wsgi", "--wsgi-threads", "0"),
        (BODY, APPLICATION, LOOP, CLIENT),
    ),
}


Start = Callable[[str], Process]


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """What starts a server of this way, once."""
    servers: dict[str, Process] = {}
    with contextlib.ExitStack() as stack:

        def start(way: str) -> Process:
            module = "h11" if way == "plain Python" else "fastserve.loop_watch"
            pytest.importorskip(module, reason="not installed, or nothing was compiled")
            if way not in servers:
                app, words, _ = WAYS[way]
                words = ("--port", "0", "--slow-request-ms", "120", "--blocked-loop-ms", "0", *words)
                directory = tmp_path_factory.mktemp("slow")
                servers[way] = stack.enter_context(running(directory, *words, app=app))
            return servers[way]

        yield start


@pytest.fixture
def server(serving: Start) -> Process:
    return serving("asgi")


@pytest.fixture
def threads(serving: Start) -> Process:
    return serving("threads")


@pytest.fixture(params=WAYS)
def each(request: pytest.FixtureRequest, serving: Start) -> Process:
    return serving(request.param)


def long_enough(measured_ms: Callable[[float], int]) -> bool:
    """Whether, of waits for so many seconds, one is told of: a busy machine may come late to a short one."""
    return any(measured_ms(wait_s) >= LEAST_MS for wait_s in (WAIT_S, 4 * WAIT_S, 20 * WAIT_S))


def told(server: Process, path: str, kinds: tuple[str, ...] = ()) -> dict[str, int]:
    """The parts of the last line about this path, which add up to the whole."""
    server.wait_for(f" {path} took ")
    line = [line for line in LINE.finditer(server.output) if line["path"] == path][-1]
    times, whole = {}, int(line["all"].replace(",", ""))
    for part in PART.finditer(line["parts"]):
        times[part["kind"]] = int(part["ms"].replace(",", ""))
        if part["cpu"] is not None:
            times[CPU] = int(part["cpu"].replace(",", ""))
    assert not kinds or set(times) == {*kinds, CPU}
    parts = sum(times.values()) - times[CPU]
    # Each is rounded; what lies between asking and being suspended counts twice, long on a busy machine.
    assert whole - len(times) <= parts <= whole + len(times) + 100
    assert times[CPU] <= times[APPLICATION]
    return times


def test_what_is_quick_is_not_told(server: Process) -> None:
    for number in range(5):  # a busy machine may make one of them slow
        server.get(f"/quick{number}")
    server.get("/sleeps")  # told behind them
    server.wait_for("/sleeps took")
    assert not all(f"/quick{number} took" in server.output for number in range(5))


def test_what_sleeps_in_the_application(each: Process) -> None:
    each.get("/sleeps")
    times = told(each, "/sleeps")
    assert times[APPLICATION] >= LEAST_MS
    assert times[CPU] < LEAST_MS


def test_what_computes(each: Process) -> None:
    each.get("/computes")
    assert told(each, "/computes")[CPU] >= LEAST_MS


def test_time_that_is_suspended(server: Process) -> None:
    server.get("/suspended")
    assert told(server, "/suspended", WAYS["asgi"][2])["suspended"] >= LEAST_MS


def test_time_for_the_body(each: Process) -> None:
    with each.connect() as sock:
        sock.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n")
        sock.sendall(b"Content-Length: 1\r\nConnection: close\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 100")
        time.sleep(WAIT_S)
        sock.sendall(b"x")
        rest(sock)
    assert told(each, "/body")[BODY] >= LEAST_MS


def test_time_for_the_client(each: Process) -> None:
    def measured_ms(wait_s: float) -> int:
        before = each.output.count("/client took")
        with slow_client(each) as sock:
            time.sleep(wait_s)
            rest(sock)
        each.wait_for("/client took", before + 1)
        return told(each, "/client")[CLIENT]

    assert long_enough(measured_ms)


def slow_client(server: Process) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    before = server.output.count("sends\n")
    sock.sendall(b"GET /client HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    server.wait_for("sends\n", before + 1)
    return sock


def test_a_request_that_waits_for_a_thread(threads: Process) -> None:
    def measured_ms(wait_s: float) -> int:
        before = threads.output.count("wants its body")
        with threads.connect() as first, threads.connect() as second:
            first.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\n")
            threads.wait_for("wants its body", before + 1)
            second.sendall(b"GET /queued HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            time.sleep(wait_s)
            first.sendall(b"x")
            rest(first), rest(second)
        if "/queued took" not in threads.output:
            return 0
        return told(threads, "/queued", WAYS["threads"][2])[THREAD]

    assert long_enough(measured_ms)


def test_a_client_that_goes_while_its_body_is_waited_for(threads: Process) -> None:
    before = threads.output.count("wants its body")
    with threads.connect() as sock:
        sock.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
        threads.wait_for("wants its body", before + 1)
        time.sleep(2 * WAIT_S)
    threads.wait_for("status 499")
    assert told(threads, "/body")[BODY] >= LEAST_MS


def test_there_are_not_too_many_lines(server: Process) -> None:
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(server.get, ["/suspended"] * 40))
    assert server.output.count("/suspended took") < 30
