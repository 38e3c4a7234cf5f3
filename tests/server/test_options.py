"""What single options do, seen from outside the process."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
from importlib.util import find_spec
from pathlib import Path

import pytest

from .process import Process, rest, running

GET = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
ENDING = "INFO:     Maximum request limit of %d exceeded. Terminating process."


def ask(sock: socket.socket, path: bytes = b"/") -> bytes:
    """The status line of an answer, and the head and body after it; the connection may stay open."""
    sock.sendall(GET % path)
    answer = b""
    while b"\r\n\r\n" not in answer or len(answer) < answer.index(b"\r\n\r\n") + 4 + length(answer):
        part = sock.recv(65536)
        assert part, answer
        answer += part
    return answer


def length(answer: bytes) -> int:
    found = re.search(rb"(?i)content-length: (\d+)", answer)
    assert found
    return int(found[1])


# ---- how much is served


def test_limit_max_requests_ends_the_server(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--limit-max-requests", "3") as process:
        for _ in range(3):
            assert ENDING % 3 not in process.lines
            assert process.get("/")[1] == "hello"
        assert process.end() == 0
        assert ENDING % 3 in process.lines
        assert process.lines[-1] == "INFO:     Finished server process [PID]"
        assert process.output.count('"GET / HTTP/1.1" 200 OK') == 3


def test_limit_max_requests_lets_running_requests_finish(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--limit-max-requests", "1") as process, process.hold() as busy:
        process.get("/")
        process.wait_for("INFO:     Waiting for connections to close.")
        busy.sendall(b"x")
        assert rest(busy).endswith(b"let go")
        assert process.end() == 0


def test_limit_max_requests_jitter_adds_to_it(tmp_path: Path) -> None:
    words = ("--limit-max-requests", "2", "--limit-max-requests-jitter", "3")
    with running(tmp_path, "--port", "0", *words) as process:
        served = 0
        while "Maximum request limit" not in process.output:
            process.get("/")
            served += 1
        assert process.end() == 0
        assert ENDING % served in process.lines
        assert 2 <= served <= 5


def test_limit_concurrency_counts_connections(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--limit-concurrency", "2") as process:
        with process.connect() as first:
            assert ask(first).startswith(b"HTTP/1.1 200 OK\r\n")
            with process.connect() as second:
                turned_away = ask(second)
                assert turned_away.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
                assert b"\r\nconnection: close\r\n" in turned_away.lower()
                assert turned_away.endswith(b"\r\n\r\nService Unavailable")
                assert second.recv(1) == b""
        assert ask_until_served(process)
        process.terminate()
        assert "WARNING:  Exceeded concurrency limit." in process.lines
        assert '"GET / HTTP/1.1" 503 Service Unavailable' in process.output


def ask_until_served(process: Process) -> bool:
    """Whether there is an answer once the server has seen that other connections are gone."""
    while True:
        with process.connect() as sock, contextlib.suppress(ConnectionError):
            if ask(sock).startswith(b"HTTP/1.1 200"):
                return True


def test_limit_concurrency_counts_requests_whose_connection_is_gone(tmp_path: Path) -> None:
    words = ("--limit-concurrency", "2", "--timeout-graceful-shutdown", "0")
    with running(tmp_path, "--port", "0", *words) as process:
        for number in (1, 2):
            with process.connect() as sock:
                assert ask(sock, b"/working").startswith(b"HTTP/1.1 200")
                process.wait_for("working", number)
                sock.shutdown(socket.SHUT_WR)
                assert rest(sock) == b""
        with process.connect() as sock:
            assert ask(sock).startswith(b"HTTP/1.1 503")
        assert process.terminate() == -signal.SIGTERM


def test_a_request_with_a_body_is_turned_away_too(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--limit-concurrency", "1") as process:
        with process.connect() as sock:
            sock.sendall(b"POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            assert sock.recv(12) == b"HTTP/1.1 503"
            sock.sendall(b"12345")
            sock.shutdown(socket.SHUT_WR)
            assert rest(sock).endswith(b"Service Unavailable")
        process.terminate()
        assert "held" not in process.lines


def test_h11_max_incomplete_event_size_limits_the_header_section(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--h11-max-incomplete-event-size", "1000") as process:
        for size, status in ((900, b"200"), (1000, b"431")):
            with process.connect() as sock:
                sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % (b"x" * size))
                assert sock.recv(12) == b"HTTP/1.1 " + status
        process.terminate()


# ---- with what it is served


@pytest.mark.parametrize("interface", ["auto", "asgi2"])
def test_an_application_of_asgi_2(tmp_path: Path, interface: str) -> None:
    words = ("--port", "0", "--interface", interface)
    with running(tmp_path, *words, app="application:double") as process:
        assert process.get("/")[1] == "ASGI 2.0"
        process.terminate()
        assert "application shutdown" in process.lines


def test_an_application_of_asgi_3_is_called_as_the_option_says(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--interface", "asgi3", app="application:double") as process:
        with process.connect() as sock:
            assert ask(sock).startswith(b"HTTP/1.1 500")
        process.terminate()


def test_parts_of_the_users_own(tmp_path: Path) -> None:
    pytest.importorskip("fastserve.h1.connection")
    words = ("--loop", "application:own_loop", "--http", "application:own_protocol")
    with running(tmp_path, "--port", "0", *words) as process:
        assert process.get("/")[1] == "hello"
        process.get("/")
        process.terminate()
        assert process.lines.count("own loop") == 1
        assert process.lines.count("own protocol") == 2


def test_parts_of_uvicorn_have_stand_ins(tmp_path: Path) -> None:
    words = ("--loop", "zuvloop", "--http", "httptools", "--ws", "wsproto")
    with running(tmp_path, "--port", "0", *words) as process:
        assert process.get("/")[1] == "hello"
        process.terminate()
        assert process.lines[:2] == [
            "WARNING:  --loop zuvloop: uvloop is used where it is installed",
            "WARNING:  --http httptools: fastserve's own HTTP/1 is used",
        ]
        line = "WARNING:  --ws wsproto: fastserve's own WebSocket is used; wsproto is for --http cffi and h11"
        assert (line in process.lines) == (find_spec("fastserve.h1.connection") is not None)


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (("--http2",), 2, "Error: HTTP/2 is not there yet: --http2 has to wait for it."),
        (("--env-file", "gone"), 2, "Error: Invalid value for env_file: there is no file 'gone'."),
        (("--loop", "gone:loop"), 3, "ERROR:    Cannot use --loop gone:loop: No module named 'gone'"),
        (("--http", "gone:http"), 3, "ERROR:    Cannot use --http gone:http: No module named 'gone'"),
    ],
)
def test_what_cannot_be_had_is_one_line(
    tmp_path: Path, words: tuple[str, ...], status: int, line: str
) -> None:
    with running(tmp_path, "--port", "0", *words) as process:
        assert process.end() == status
        assert process.lines[-1] == line
        assert "Traceback" not in process.output
        assert "Started" not in process.output


def test_an_env_file_is_read_before_the_application(tmp_path: Path) -> None:
    pytest.importorskip("dotenv")
    (tmp_path / "settings.env").write_text("LIFESPAN=fails\n")
    with running(tmp_path, "--port", "0", "--env-file", "settings.env") as process:
        assert process.end() == 3
        assert process.lines[0] == "INFO:     Loading environment from 'settings.env'"
        assert process.lines[-1] == "ERROR:    Application startup failed. Exiting."
