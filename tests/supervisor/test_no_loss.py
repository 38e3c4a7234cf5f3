"""Nothing is lost: strict clients count every answer while workers are replaced, added and taken away.

A client that keeps its connection opens another one when an answer says that this one closes, and at no other
time; whatever else happens to a connection is a failure.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import TIMEOUT_S, Supervised, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n"
MANY = [2, pytest.param(20, marks=pytest.mark.huge)]


class Load:
    """Clients that ask without a pause, each in a thread; half of them with a connection for each request."""

    def __init__(self, address: str | tuple[str, int], clients: int = 4) -> None:
        self.answers = 0
        self.failures: list[str] = []
        self._address = address
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)
        assert self.failures == []

    def more(self) -> None:
        """Wait until there are a few answers more."""
        wanted = self.answers + 50
        until(lambda: self.answers >= wanted or self.failures)

    def _ask(self, keep_alive: bool) -> None:
        request = REQUEST % (b"" if keep_alive else b"Connection: close\r\n")
        try:
            while not self._stop.is_set():
                with self._connect() as sock:
                    while not self._stop.is_set():
                        sock.sendall(request)
                        if self._closes(sock):
                            assert sock.recv(1) == b""
                            break
        except Exception as error:
            self.failures.append(f"{type(error).__name__}: {error}, keep-alive {keep_alive}")

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET)
        sock.settimeout(TIMEOUT_S)
        try:
            sock.connect(self._address)
        except BaseException:
            sock.close()
            raise
        return sock

    def _closes(self, sock: socket.socket) -> bool:
        """Take one whole answer; return whether it is the last of its connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = sock.recv(65536)
            assert part, f"the connection ended after {data!r}"
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(body) < size:
            part = sock.recv(65536)
            assert part, "the connection ended within a body"
            body += part
        self.answers += 1
        return b"connection: close" in head.lower()


@pytest.fixture(params=["tcp", "unix"])
def words(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return ("--uds", "s", "--no-access-log") if request.param == "unix" else ("--no-access-log",)


@contextlib.contextmanager
def under_load(directory: Path, *words: str) -> Iterator[tuple[Supervised, Load]]:
    """Two workers, and clients of them."""
    with supervised(directory, "--workers", "2", *words) as server:
        server.wait_for("startup complete", 2)
        address: str | tuple[str, int] = str(directory / "s")
        if "--uds" in words:
            with socket.socket(socket.AF_UNIX) as sock:
                until(lambda: sock.connect_ex(address) == 0)
        else:
            server.serving(2)
            address = ("127.0.0.1", server.process.port)
        load = Load(address)
        try:
            load.more()
            yield server, load
        finally:
            load.end()
        assert "died" not in server.output
        assert server.ends() == 0


@pytest.mark.parametrize("count", MANY)
def test_restarts(tmp_path: Path, words: tuple[str, ...], count: int) -> None:
    with under_load(tmp_path, *words) as (server, load):
        for number in range(count):
            before = set(server.children)
            server.send(signal.SIGHUP)
            server.wait_for("startup complete", 2 * number + 4)
            load.more()
            until(lambda before=before: not before & set(server.children))


@pytest.mark.parametrize("count", MANY)
def test_workers_more_and_fewer(tmp_path: Path, count: int) -> None:
    with under_load(tmp_path) as (server, load):
        for number in range(count):
            server.send(signal.SIGTTIN)
            server.wait_for("startup complete", number + 3)
            load.more()
            server.send(signal.SIGTTOU)
            until(lambda: len(server.children) == 2)
            load.more()


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize(
    ("limit", "why"),
    [
        (("--limit-max-requests", "500", "--limit-max-requests-jitter", "100"), "has answered "),
        (("--worker-lifetime-s", "0.5"), "has served for 0 seconds"),
        (("--worker-memory-bytes-max", "1000000"), "bytes of memory"),
    ],
    ids=["requests", "lifetime", "memory"],
)
def test_recycling(tmp_path: Path, limit: tuple[str, ...], why: str, count: int) -> None:
    """Each worker that has done its part is replaced, and goes on until its successor serves."""
    with under_load(tmp_path, *limit) as (server, _):
        until(lambda: server.output.count("Replacing child process") >= count)
        assert why in server.output
        server.wait_for("startup complete", count + 2)


def test_a_killed_worker_loses_only_what_it_has_in_hand(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2", "--no-access-log") as server:
        server.serving(2)
        load = Load(("127.0.0.1", server.process.port))
        load.more()
        os.kill(server.children[0], signal.SIGKILL)
        server.wait_for("startup complete", 3)
        survivors = 4 - len(load.failures)
        assert 0 <= len(load.failures) <= 4
        if survivors:
            load.more()
        for failure in load.failures:
            assert failure.startswith(
                ("ConnectionResetError", "AssertionError: the connection ended after b''")
            )
        load.failures.clear()
        load.end()
        late = Load(("127.0.0.1", server.process.port))
        late.more()
        late.end()
        assert server.ends() == 0
