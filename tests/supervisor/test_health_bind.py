"""--health-bind: what a prober hears on an address of its own, from before the first worker to the end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import TIMEOUT_S, Supervised, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

READY, NOT_READY = "200 OK: ok\n", "503 Service Unavailable: not ready\n"


def connected(server: Supervised) -> socket.socket:
    server.wait_for("Health is told on ")
    found = re.search(r"Health is told on (?:http://127\.0\.0\.1:(\d+)|unix socket (\S+))", server.output)
    assert found, server.output
    if found[1]:
        return socket.create_connection(("127.0.0.1", int(found[1])), TIMEOUT_S)
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(TIMEOUT_S)
    sock.connect(str(server.directory / found[2]))
    return sock


def rest(sock: socket.socket) -> str:
    with contextlib.suppress(ConnectionError):
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode()
    return ""


def asked(server: Supervised, path: str, method: str = "GET") -> str:
    """The status line and the body."""
    with connected(server) as sock:
        sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        head, _, body = rest(sock).partition("\r\n\r\n")
    assert f"content-length: {len(body)}\r\n" in head or method == "HEAD"
    return head.partition("\r\n")[0].removeprefix("HTTP/1.1 ") + ": " + body


@pytest.fixture(scope="module", params=["127.0.0.1:0", "unix:health.sock"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """A parent even for a single worker."""
    with supervised(tmp_path_factory.mktemp("health"), "--health-bind", request.param) as started:
        started.serving(1)
        until(lambda: asked(started, "/readyz") == READY)
        yield started
        assert started.ends() == 0
    assert not (started.directory / "health.sock").exists()


def test_paths(server: Supervised) -> None:
    assert len(server.children) == 1
    assert asked(server, "/livez") == READY
    assert asked(server, "/readyz?verbose=1") == READY
    assert asked(server, "/readyz", "HEAD") == "200 OK: "
    assert asked(server, "/readyz/") == "404 Not Found: Not Found\n"
    assert asked(server, "/livez", "POST") == "405 Method Not Allowed: Method Not Allowed\n"


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\r\n\r\n", b"GET livez HTTP/1.1\r\n\r\n", b"GET /livez HTTP/2\r\n\r\n", b"\r\n\r\n"],
)
def test_what_is_no_request(server: Supervised, data: bytes) -> None:
    with connected(server) as sock:
        sock.sendall(data)
        assert rest(sock).startswith("HTTP/1.1 400 Bad Request\r\n")


def test_byte_by_byte(server: Supervised) -> None:
    with connected(server) as sock:
        for byte in b"GET /livez HTTP/1.0\r\n\r\n":
            sock.sendall(bytes([byte]))
        assert rest(sock).endswith("\r\n\r\nok\n")


def test_who_says_nothing_or_too_much_is_in_nobodys_way(server: Supervised) -> None:
    with contextlib.ExitStack() as open_ones:
        for _ in range(20):
            open_ones.enter_context(connected(server))
        with connected(server) as sock, contextlib.suppress(ConnectionError):
            sock.sendall(b"GET /livez HTTP/1.1\r\nX: " + bytes(5000))
            assert rest(sock) == ""
        assert asked(server, "/livez") == READY
    with connected(server) as sock:
        sock.sendall(b"GET /livez")
    assert asked(server, "/livez") == READY


def test_the_application_has_its_own_address_for_itself(server: Supervised) -> None:
    assert server.process.get("/livez")[1].isdecimal()


def test_not_ready_before_a_worker_serves(tmp_path: Path) -> None:
    """Other paths by the other option, on both addresses."""
    (tmp_path / "slow").touch()
    words = ("--health-bind", "unix:h", "--health-path", "/a,/b", "--workers", "2")
    with supervised(tmp_path, *words) as server:
        assert asked(server, "/b") == NOT_READY
        assert asked(server, "/a") == READY
        (tmp_path / "slow").unlink()
        server.serving(2)
        until(lambda: asked(server, "/b") == READY)
        assert server.process.get("/b")[1] == "ok\n"


def test_not_ready_while_it_ends(tmp_path: Path) -> None:
    with supervised(tmp_path, "--health-bind", "unix:h") as server:
        server.serving(1)
        until(lambda: asked(server, "/readyz") == READY)
        with server.hold() as sock:
            server.send(signal.SIGTERM)
            until(lambda: asked(server, "/readyz") == NOT_READY)
            assert asked(server, "/livez") == READY
            sock.sendall(b"x")
            assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert server.process.end() == 0


def test_not_ready_while_every_loop_is_blocked(tmp_path: Path) -> None:
    """One that turns is enough. What is stopped says as little as what is blocked."""
    words = ("--health-bind", "unix:h", "--workers", "2", "--timeout-worker-healthcheck", "3")
    with supervised(tmp_path, *words) as server:
        first, second = server.serving(2)
        os.kill(first, signal.SIGSTOP)
        until(lambda: asked(server, "/readyz") == READY)
        os.kill(second, signal.SIGSTOP)
        until(lambda: asked(server, "/readyz") == NOT_READY)
        assert asked(server, "/livez") == READY
        for pid in (first, second):
            with contextlib.suppress(ProcessLookupError):  # who does not answer for long is replaced
                os.kill(pid, signal.SIGCONT)
        until(lambda: asked(server, "/readyz") == READY)


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with supervised(tmp_path, "--health-bind", f"127.0.0.1:{port}") as server:
            assert server.process.end() == 3
            assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in server.output
