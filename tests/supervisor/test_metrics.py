"""`--metrics` with workers: the numbers of all of them, also of those that have ended."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from .processes import TIMEOUT_S, Supervised, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

ASK = b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text\r\nConnection: close\r\n\r\n"
Samples = dict[tuple[str, str], float]


def exchange(sock: socket.socket, request: bytes) -> tuple[bytes, bytes]:
    with sock:
        sock.settimeout(TIMEOUT_S)
        sock.sendall(request)
        head, _, body = b"".join(iter(lambda: sock.recv(65536), b"")).partition(b"\r\n\r\n")
    return head, body


def samples(sock: socket.socket) -> Samples:
    head, body = exchange(sock, ASK)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


class Monitored:
    """Two workers, and where their numbers are."""

    def __init__(self, server: Supervised) -> None:
        self.server = server

    def connect(self) -> socket.socket:
        self.server.wait_for("Metrics are on")
        found = re.search(r"Metrics are on http://127\.0\.0\.1:(\d+), at /metrics", self.server.output)
        assert found
        return socket.create_connection(("127.0.0.1", int(found[1])), TIMEOUT_S)

    def samples(self) -> Samples:
        return samples(self.connect())

    def answered(self) -> float:
        return self.samples().get(("fastserve_requests_total", "GET 200"), 0)

    def refused(self) -> dict[str, float]:
        name = "fastserve_requests_refused_total"
        return {reason: count for (found, reason), count in self.samples().items() if found == name}


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    directory = tmp_path_factory.mktemp("metrics")
    with supervised(directory, "--workers", "2", "--metrics", "127.0.0.1:0") as server:
        server.serving(2)
        yield Monitored(server)
        assert server.ends() == 0


def test_what_has_ended_still_counts(monitored: Monitored) -> None:
    server = monitored.server
    before = monitored.answered()
    for _ in range(6):
        server.answers()
    until(lambda: monitored.answered() == before + 6)
    old = server.children
    starts = monitored.samples()["fastserve_worker_starts_total", ""]
    server.send(signal.SIGHUP)
    until(lambda: len(server.children) == 2 and not set(server.children) & set(old))
    until(lambda: monitored.samples().get(("fastserve_workers", "serving")) == 2)
    found = monitored.samples()
    assert found["fastserve_requests_total", "GET 200"] == before + 6
    assert found["fastserve_request_duration_seconds_count", ""] == before + 6
    assert found["fastserve_worker_starts_total", ""] == starts + 2
    # What they hold now is known once the new ones have said so.
    until(lambda: monitored.samples().get(("fastserve_connections", "")) == 0)
    server.answers()
    until(lambda: monitored.answered() == before + 7)


def test_the_last_requests_of_a_worker_count(monitored: Monitored) -> None:
    """Those that end behind its last word about itself while it served."""
    before = monitored.answered()
    held = monitored.server.hold()
    old = monitored.server.children
    monitored.server.send(signal.SIGHUP)
    until(lambda: not set(monitored.server.children) >= set(old))
    with held:
        held.sendall(b"x")
        assert held.recv(1000).startswith(b"HTTP/1.1 200")
    until(lambda: len(monitored.server.children) == 2 and not set(monitored.server.children) & set(old))
    found = monitored.samples()
    assert found["fastserve_requests_total", "POST 200"] == 1
    assert found.get(("fastserve_requests_total", "GET 200"), 0) == before


def test_how_workers_fail(monitored: Monitored) -> None:
    os.kill(monitored.server.children[0], signal.SIGKILL)
    failed = ("fastserve_worker_failures_total", "killed by SIGKILL")
    until(lambda: monitored.samples().get(failed) == 1)
    until(lambda: monitored.samples().get(("fastserve_workers", "serving")) == 2)


def test_what_was_turned_away(monitored: Monitored) -> None:
    with monitored.server.process.connect() as sock:
        sock.sendall(b"G@T / HTTP/1.1\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 400")
    with monitored.server.process.connect() as sock:
        sock.sendall(b"GET /" + b"x" * 70_000)
        assert sock.recv(1000).startswith(b"HTTP/1.1 414")
    until(lambda: len(monitored.refused()) == 2)  # each by a worker of its own, perhaps
    assert set(monitored.refused().values()) == {1}
    assert monitored.samples()["fastserve_limits_hit_total", "request_line_bytes_max"] == 1


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1", b"404 Not Found"),
        (b"HEAD /metrics?a HTTP/1.0", b"200 OK"),
        (b"POST /metrics HTTP/1.1", b"405 Method Not Allowed"),
        (b"GET metrics HTTP/1.1", b"400 Bad Request"),
        (b"\xff", b"400 Bad Request"),
        (b"", b"400 Bad Request"),
    ],
)
def test_what_else_is_asked_there(monitored: Monitored, request_line: bytes, status: bytes) -> None:
    head, body = exchange(monitored.connect(), request_line + b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert not (request_line.startswith(b"HEAD") and body)


def test_silence_holds_nobody_up(monitored: Monitored) -> None:
    silent = [monitored.connect() for _ in range(40)]
    endless = monitored.connect()
    with endless, pytest.raises((BrokenPipeError, ConnectionResetError)):
        endless.sendall(b"x" * 10_000_000)
    assert monitored.answered() >= 0
    for sock in silent:
        sock.close()


def test_any_worker_answers_for_all(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2", "--metrics", "/metrics") as server:
        server.serving(2)
        pages = [server.process.connect() for _ in range(6)]  # some to each worker, or all to one
        answering = {server.answers() for _ in range(10)}
        assert answering <= set(server.children)
        answered = "fastserve_requests_total", "GET 200"  # none yet, perhaps, that the asked one has heard of
        counts = [samples(sock).get(answered, 0) for sock in pages]
        assert counts == sorted(counts)  # never less than has been told already
        until(lambda: samples(server.process.connect()).get(answered, 0) >= 16)
        until(lambda: samples(server.process.connect()).get(("fastserve_workers", "serving")) == 2)
        assert server.ends() == 0


def test_at_a_unix_socket(tmp_path: Path) -> None:
    with supervised(tmp_path, "--metrics", "unix:m.sock") as server:
        server.serving(1)
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(tmp_path / "m.sock"))
        assert samples(sock)["fastserve_worker_starts_total", ""] == 1
        assert server.ends() == 0
        assert not (tmp_path / "m.sock").exists()


def test_statsd(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(TIMEOUT_S)
        with supervised(tmp_path, "--statsd", f"127.0.0.1:{receiver.getsockname()[1]}") as server:
            server.serving(1)
            server.answers()
            server.answers()
            assert server.ends() == 0
        text = ""
        while sum(map(int, re.findall(r"^fastserve\.requests\.GET\.200:(\d+)\|c$", text, re.M))) < 2:
            text += receiver.recv(65536).decode() + "\n"
    assert "fastserve.worker_starts:1|c" in text


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with supervised(tmp_path, "--metrics", address) as server:
            assert server.process.end() == 3
            assert f"Cannot listen on {address}: Address already in use" in server.output
