"""How are connections spread over workers? Each keeps its share of those that stay; none waits for long."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import TIMEOUT_S, Supervised, is_running, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

#: How many times its share a worker may have.
SHARE_MAX = 1.3
COUNT = 64


@pytest.fixture(
    scope="module",
    params=[
        ["--workers", "2"],
        ["--workers", "4", "--reuse-port"],
        ["--workers", "2", "--loop", "asyncio"],
        pytest.param(["--workers", "4"], marks=pytest.mark.huge),
        pytest.param(["--workers", "2", "--reuse-port"], marks=pytest.mark.huge),
        pytest.param(["--workers", "2", "--uds", "s"], marks=pytest.mark.huge),
    ],
    ids=" ".join,
)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised(tmp_path_factory.mktemp("spread"), *request.param, "--no-access-log") as process:
        process.wait_for("startup complete", int(request.param[1]))
        process.wait_for("running on")
        until(lambda: is_listening(process))
        yield process
        assert process.ends() == 0


def is_listening(server: Supervised) -> bool:
    try:
        connect(server).close()
    except ConnectionRefusedError:  # each says that it has started, and then begins to listen
        return False
    return True


def connect(server: Supervised) -> socket.socket:
    path = server.directory / "s"
    if not path.exists():
        return server.process.connect()
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(TIMEOUT_S)
    sock.connect(str(path))
    return sock


def ask(client: socket.socket) -> int:
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
    return int(answer.rpartition(b"\r\n\r\n")[2])


def answers(server: Supervised, clients: list[socket.socket]) -> Counter[int]:
    """How many of the clients each worker has; all are served."""
    while len(clients) < COUNT:
        clients.append(connect(server))
    return Counter(map(ask, clients))


def leave(clients: list[socket.socket]) -> None:
    """Close the connections, and wait until the workers have too."""
    for client in clients:
        client.shutdown(socket.SHUT_WR)
    for client in clients:
        with client:
            assert client.recv(1) == b""


def test_no_worker_has_much_more_than_its_share(server: Supervised) -> None:
    workers = len(server.children)

    accepting = attempts = 0
    while True:
        clients: list[socket.socket] = []
        try:
            counts = answers(server, clients)
            if accepting < workers:  # one that has started does not accept yet
                accepting = len(counts)
                continue
            attempts += 1
            if max(counts.values()) > SHARE_MAX * COUNT / workers:
                # A worker that a busy machine keeps from its processor is not waited for.
                assert attempts < 3, counts
                continue
            # They stay where they are.
            assert answers(server, clients) == counts
            break
        finally:
            leave(clients)


REUSE_PORT = pytest.param(["--reuse-port"], marks=pytest.mark.huge)  # it takes seconds to see who is silent


@pytest.mark.parametrize("mode", [[], REUSE_PORT])
def test_nobody_waits_for_a_worker_that_is_blocked(tmp_path: Path, mode: list[str]) -> None:
    words = ("--workers", "2", "--timeout-worker-healthcheck", "60", "--no-access-log", *mode)
    with supervised(tmp_path, *words) as server:
        children = server.serving(2)
        (tmp_path / "hold").touch()
        with server.hold("/held-up"):
            served = {server.answers() for _ in range(12)}
            assert len(served) == 1 and served < {*children}
            (tmp_path / "hold").unlink()
        assert server.ends() == 0


@pytest.mark.parametrize("mode", [[], ["--reuse-port"]], ids=["shared", "reuse-port"])
def test_nobody_waits_for_a_worker_that_is_dead(tmp_path: Path, mode: list[str]) -> None:
    """Its queue is another's until it has a successor."""
    with supervised(tmp_path, "--workers", "2", "--no-access-log", *mode) as server:
        children = server.serving(2)
        until(lambda: {server.answers() for _ in range(4)} == {*children})
        (tmp_path / "slow").touch()
        os.kill(children[0], signal.SIGKILL)
        until(lambda: not is_running(children[0]))
        assert {server.answers() for _ in range(12)} == {children[1]}
        (tmp_path / "slow").unlink()
        until(lambda: server.answers() not in children)
        assert server.ends() == 0


def test_workers_fewer_than_queues_and_more(tmp_path: Path) -> None:
    """With fewer workers than at the start no queue is without one, with more some share one."""
    words = ("--workers", "3", "--no-access-log", "--reuse-port", "--timeout-keep-alive", "1")
    with supervised(tmp_path, *words) as server:
        server.serving(3)
        for left in (2, 1):
            server.send(signal.SIGTTOU)
            until(lambda left=left: len(server.children) == left)
        assert {server.answers() for _ in range(20)} == {*server.children}
        for count in (2, 3, 4):
            server.send(signal.SIGTTIN)
            until(lambda count=count: len(server.children) == count)
        server.wait_for("startup complete", 6)
        until(lambda: {server.answers() for _ in range(8)} == {*server.children})
        assert server.ends() == 0
