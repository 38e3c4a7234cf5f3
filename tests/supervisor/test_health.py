"""--health-path: what a prober sees, while the server serves and while it ends."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from .processes import Supervised, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

ONE_AND_TWO = pytest.mark.parametrize("words", [(), ("--workers", "2")], ids=["one process", "workers"])
LIVE_AND_READY = ("--health-path", "/livez,/readyz")


def asked(server: Supervised, path: str, method: str = "GET", rest: str = "") -> str:
    """The status line and the body."""
    with server.process.connect() as sock:
        sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{rest}\r\n".encode())
        head, _, body = b"".join(iter(lambda: sock.recv(65536), b"")).decode().partition("\r\n\r\n")
    return head.partition("\r\n")[0].removeprefix("HTTP/1.1 ") + ": " + body


@ONE_AND_TWO
def test_the_application_is_not_asked(tmp_path: Path, words: tuple[str, ...]) -> None:
    with supervised(tmp_path, *LIVE_AND_READY, *words) as server:
        server.serving(len(words) or 1)
        assert asked(server, "/livez") == "200 OK: ok\n"
        assert asked(server, "/readyz?verbose") == "200 OK: ok\n"
        assert asked(server, "/readyz", "HEAD") == "200 OK: "
        for path, method in (("/readyz/", "GET"), ("/", "GET"), ("/livez", "OPTIONS")):
            assert int(asked(server, path, method).removeprefix("200 OK: ")) in {
                *server.children,
                server.process.popen.pid,
            }


def test_a_connection_goes_on_after_a_probe(tmp_path: Path) -> None:
    """Also after one with a body, which nobody wants."""
    with supervised(tmp_path, *LIVE_AND_READY) as server:
        server.serving(1)
        with server.process.connect() as sock:
            for head in ("GET /livez HTTP/1.1\r\nContent-Length: 3\r\n", "GET /readyz HTTP/1.1\r\n"):
                sock.sendall(f"{head}Host: a\r\n\r\n".encode() + (b"abc" if "Length" in head else b""))
                answer = b""
                while not answer.endswith(b"ok\n"):
                    answer += sock.recv(1000)
                assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
                assert b"connection: close" not in answer


@ONE_AND_TWO
def test_one_that_is_to_end_is_live_and_not_ready(tmp_path: Path, words: tuple[str, ...]) -> None:
    with supervised(tmp_path, *LIVE_AND_READY, "--shutdown-delay-s", "3600", *words) as server:
        server.serving(len(words) or 1)
        server.send(signal.SIGTERM)
        server.wait_for("Shutting down in", len(words) or 1)
        assert asked(server, "/readyz") == "503 Service Unavailable: not ready\n"
        assert asked(server, "/livez") == "200 OK: ok\n"
        assert asked(server, "/").startswith("200 OK: ")


def test_one_that_is_blocked_does_not_answer(tmp_path: Path) -> None:
    with supervised(tmp_path, *LIVE_AND_READY) as server:
        server.serving(1)
        with server.hold("/blocked"), server.process.connect() as sock:
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
            sock.settimeout(0.3)
            with pytest.raises(TimeoutError):
                sock.recv(1)


def test_one_path_is_of_life_only(tmp_path: Path) -> None:
    with supervised(tmp_path, "--health-path", "/healthz", "--uds", "s") as server:
        until((tmp_path / "s").is_socket)
        with socket.socket(socket.AF_UNIX) as sock:
            until(lambda: sock.connect_ex(str(tmp_path / "s")) == 0)
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert b"".join(iter(lambda: sock.recv(1000), b"")).endswith(b"\r\n\r\nok\n")
        assert server.ends() == -signal.SIGTERM


@pytest.mark.parametrize("paths", ["livez", "/a,b", "/a,/b,/c", ""])
def test_what_is_no_path_is_a_bad_option(tmp_path: Path, paths: str) -> None:
    with supervised(tmp_path, "--health-path", paths) as server:
        assert server.process.end() == 2
        assert "is not a path or two, like /livez,/readyz" in server.output
