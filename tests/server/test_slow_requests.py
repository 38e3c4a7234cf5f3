"""`--slow-request-ms`: what took long is told, with where its time went."""

from __future__ import annotations

import concurrent.futures
import re
import socket
import time
from collections.abc import Iterator

import pytest

from .process import Process, rest, running

LINE = re.compile(
    r"(?P<request>[A-Z]+ \S+) took (?P<all>[\d,]+) ms: (?P<body>[\d,]+) ms waiting for its body, "
    r"(?P<ran>[\d,]+) ms in the application, (?P<suspended>[\d,]+) ms suspended, "
    r"(?P<client>[\d,]+) ms waiting for the client; status (?P<status>\d+)\n"
)
KINDS = ("body", "ran", "suspended", "client")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, http: str) -> Iterator[Process]:
    words = ("--port", "0", "--http", http, "--slow-request-ms", "120", "--blocked-loop-ms", "0")
    with running(tmp_path_factory.mktemp("slow"), *words, app="slow:app") as process:
        yield process


def told(server: Process, path: str) -> dict[str, int]:
    server.wait_for(f" {path} took ")
    found = next(line for line in LINE.finditer(server.output) if path in line["request"])
    assert found["status"] == "200"
    return {name: int(found[name].replace(",", "")) for name in ("all", *KINDS)}


def mostly(times: dict[str, int], kind: str) -> bool:
    """Most of it is of this kind; and nothing is counted twice, but for what passes between two looks."""
    total = sum(times[each] for each in KINDS)
    return times[kind] >= 100 and times["all"] - len(KINDS) <= total <= times["all"] * 1.2


def test_what_is_quick_is_not_told(server: Process) -> None:
    server.get("/quick")
    server.get("/runs")  # told behind it
    server.wait_for("/runs took")
    assert "/quick took" not in server.output or "/quick took" in server.output.partition("/runs")[2]


@pytest.mark.parametrize(("path", "kind"), [("/runs", "ran"), ("/suspended", "suspended")])
def test_time_in_the_application(server: Process, path: str, kind: str) -> None:
    server.get(path)
    assert mostly(told(server, path), kind)


def test_time_for_the_body(server: Process) -> None:
    with server.connect() as sock:
        sock.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\n")
        server.wait_for("wants its body")
        time.sleep(0.15)  # what is measured
        sock.sendall(b"x")
        rest(sock)
    assert mostly(told(server, "/body"), "body")


def test_time_for_the_client(server: Process) -> None:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", server.port))
        sock.sendall(b"GET /client HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        server.wait_for("sends")
        time.sleep(0.15)  # what is measured
        rest(sock)
    assert mostly(told(server, "/client"), "client")


def test_there_are_not_too_many_lines(server: Process) -> None:
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(server.get, ["/suspended"] * 40))
    assert server.output.count("/suspended took") < 30
