"""`fastserve ctl requests`: which requests are in hand, and where the application is with them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wire.servers import HTTP_IMPLEMENTATIONS

from .processes import TIMEOUT_S, Supervised, supervised, until
from .test_control import done

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def asked(server: Supervised, what: str = "requests") -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(TIMEOUT_S)
        sock.connect(str(server.directory / "c"))
        sock.sendall(json.dumps({"do": what}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(b"".join(iter(lambda: sock.recv(65536), b"")))
    return answer


def requests(server: Supervised) -> dict[str, Any]:
    """Of all workers, by path."""
    return {one["path"]: one for told in asked(server)["workers"].values() for one in told or ()}


#: The second is in plain Python.
@pytest.fixture(scope="module", params=dict.fromkeys((HTTP_IMPLEMENTATIONS[0], HTTP_IMPLEMENTATIONS[-1])))
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Supervised]:
    directory = tmp_path_factory.mktemp("requests")
    patience = ("--timeout-worker-healthcheck", "60")  # one is stopped for a while
    words = ("--workers", "2", "--control-socket", "c", "--http", request.param, *patience)
    with supervised(directory, *words) as server:
        server.serving(2)
        until(lambda: len(asked(server)["workers"]) == 2)  # the other one may not have said so yet
        yield server


def test_where_a_request_waits(server: Supervised) -> None:
    assert {*asked(server)["workers"]} == {str(pid) for pid in server.children}
    with server.hold("/held") as held, server.hold("/endless"):
        until(lambda: {"/held", "/endless"} <= requests(server).keys())
        found = requests(server)
        body, event = found["/held"], found["/endless"]
        assert (body["method"], body["doing"]) == ("POST", "waits for its body")
        assert body["client"] == f"127.0.0.1:{held.getsockname()[1]}"
        assert 0 < body["age_s"] < TIMEOUT_S
        assert "in app: while not (await receive())" in body["where"][0]
        assert event["doing"] == "suspended"
        assert "in app: await asyncio.Event().wait()" in event["where"][0]
        held.sendall(b"x")
        assert held.recv(1000).startswith(b"HTTP/1.1 200")
    until(lambda: "/held" not in requests(server))


def test_also_while_the_loop_is_blocked(server: Supervised) -> None:
    (server.directory / "hold").touch()
    with server.hold("/held-up"):
        found = requests(server)["/held-up"]
        (server.directory / "hold").unlink()
        assert found["doing"] == "runs"
        assert "application.py" in found["where"][0] and "in app" in found["where"][0]
    until(lambda: "/held-up" not in requests(server))


def test_a_worker_that_is_stopped_is_told_of(server: Supervised) -> None:
    stopped = server.children[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        until(
            lambda: list(asked(server)["workers"].values()).count(None) == 1
        )  # a busy machine's other is late
        assert asked(server)["workers"][str(stopped)] is None
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as hasty:  # goes before it is answered
            hasty.connect(str(server.directory / "c"))
            hasty.sendall(b'{"do": "requests"}\n')
    finally:
        os.kill(stopped, signal.SIGCONT)
    until(lambda: None not in asked(server)["workers"].values())


def test_numbers_of_each_worker(server: Supervised) -> None:
    server.answers()
    until(lambda: asked(server, "numbers")["sum"]["total"].get("requests", {}).get("GET 200", 0) >= 1)
    found = asked(server, "numbers")
    assert {*found["numbers"]} == {str(pid) for pid in server.children}
    assert found["sum"]["now"]["workers"] == {"serving": 2}
    assert found["state"] == "serving"


def test_for_a_reader(server: Supervised) -> None:
    with server.hold("/held") as held:
        text = done(server.directory, "requests")
        held.sendall(b"x")
    counts = sorted(line.partition(": ") for line in text.splitlines() if line.startswith("process"))
    assert [int(pid.split()[1]) for pid, _, _ in counts] == sorted(server.children)
    assert all(count.split()[1].startswith("request") for _, _, count in counts)
    (line,) = (line for line in text.splitlines() if "/held" in line)
    assert line.startswith("  POST /held waits for its body, for ") and ", from 127.0.0.1:" in line
    assert "application.py" in text.splitlines()[text.splitlines().index(line) + 1]
