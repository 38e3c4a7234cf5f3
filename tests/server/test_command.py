"""Start, serve, stop: what the command prints, what it exits with, where it listens."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .process import COMMAND, HERE, TIMEOUT_S, get, rest, running

SCRIPT = Path(sys.executable).with_name("fastserve")
COMMANDS = [COMMAND, (str(SCRIPT),)] if SCRIPT.exists() else [COMMAND]
LOOPS = ["uvloop", "asyncio"]

STARTED = [
    "INFO:     Started server process [PID]",
    "INFO:     Waiting for application startup.",
    "INFO:     Application startup complete.",
]
STOPPED = [
    "INFO:     Waiting for application shutdown.",
    "application shutdown",
    "INFO:     Application shutdown complete.",
    "INFO:     Finished server process [PID]",
]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


@pytest.mark.parametrize("command", COMMANDS, ids=["python -m fastserve", "fastserve"][: len(COMMANDS)])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_whole_life(tmp_path: Path, command: tuple[str, ...], loop: str) -> None:
    with running(tmp_path, "--port", "0", "--loop", loop, command=command) as process:
        _, shown = process.get("/shown")
        assert shown.endswith(f"loop {'uvloop' if loop == 'uvloop' else 'asyncio.unix_events'}")
        assert process.terminate() == -signal.SIGTERM
        # What is said where nothing was compiled is not the subject here.
        lines = [line for line in process.lines if "slower server in plain Python" not in line]
        # Written 100 ms after the request, or once the last connection is closed.
        line = lines.index('INFO:     127.0.0.1:PORT - "GET /shown HTTP/1.1" 200 OK')
        assert line < lines.index("INFO:     Waiting for application shutdown.")
        del lines[line]
        assert lines == [
            *STARTED,
            "INFO:     fastserve running on http://127.0.0.1:PORT (Press CTRL+C to quit)",
            "INFO:     Shutting down",
            *STOPPED,
        ]


@pytest.mark.parametrize("loop", LOOPS)
def test_an_interrupt_is_an_orderly_end(tmp_path: Path, loop: str) -> None:
    with running(tmp_path, "--port", "0", "--loop", loop) as process:
        assert process.port
        process.send(signal.SIGINT)
        assert process.end() == 0
        assert process.lines[-4:] == STOPPED


def test_the_line_of_a_request_just_before_the_end_is_written(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0") as process:
        for _ in range(20):
            process.get("/")
        process.terminate()
        assert process.output.count('"GET / HTTP/1.1" 200 OK') == 20


def test_options_of_the_answer(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0") as process:
        headers, body = process.get("/")
        assert body == "hello"
        assert headers["server"] == "fastserve"
        assert "date" in headers
        process.terminate()
    words = (
        "--no-server-header",
        "--no-date-header",
        "--no-access-log",
        "--header",
        "X-A: 1",
        "--root-path",
        "/p",
    )
    with running(tmp_path, "--port", "0", *words) as process:
        headers, body = process.get("/shown")
        assert set(headers) == {"content-length", "connection", "x-a"}
        assert headers["x-a"] == "1"
        assert "root '/p'" in body
        process.terminate()
        assert "GET" not in process.output


def test_state_is_shared_and_contexts_are_not(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0") as process:
        for _ in range(2):
            _, shown = process.get("/shown")
            assert shown.startswith("state of the lifespan; startup unset; request unset; ")
        process.terminate()


def test_a_factory_and_the_environment(tmp_path: Path) -> None:
    environment = {"FASTSERVE_FACTORY": "1", "FASTSERVE_PORT": "0", "FASTSERVE_HEADERS": "X-A:1\nX-B:2"}
    with running(tmp_path, app="application:make", environment=environment) as process:
        headers, _ = process.get("/")
        assert (headers["x-a"], headers["x-b"]) == ("1", "2")
        process.terminate()
        assert "factory detected" not in process.output


def test_a_log_level(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--log-level", "trace") as process:
        assert process.port
        process.terminate()
    path = tmp_path / "app.sock"
    with running(tmp_path, "--uds", str(path), "--log-level", "error", "--no-access-log") as process:
        while not path.exists():
            assert process.popen.poll() is None, process.output
        process.terminate()
        assert "INFO" not in process.output


def test_the_project_file_and_variables_of_uvicorn(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.fastserve]\nheaders = ["X-A: 1"]\nserver-header = false\n'
    )
    environment = {"UVICORN_PORT": "0", "UVICORN_SERVER_HEADER": "1"}
    with running(tmp_path, environment=environment) as process:
        headers, _ = process.get("/")
        assert headers["x-a"] == "1"
        assert headers["server"] == "fastserve"
        process.terminate()


@pytest.mark.parametrize(
    ("app", "words", "status", "line"),
    [
        (
            "application:app",
            (),
            0,
            "INFO:     The configuration is valid, and the application can be imported",
        ),
        ("application:make", ("--factory",), 0, "INFO:     The configuration is valid, and the application"),
        ("application:app", ("--port", "x"), 2, "Error: Invalid value for --port: 'x' is not a whole number"),
        ("nowhere:app", (), 3, 'ERROR:    Error loading ASGI app. Could not import module "nowhere".'),
    ],
)
def test_check(tmp_path: Path, app: str, words: tuple[str, ...], status: int, line: str) -> None:
    """Also where the port is taken by the server that the configuration is for."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = str(sock.getsockname()[1])
        with running(tmp_path, "--check", "--port", port, *words, app=app) as process:
            assert process.end() == status
            assert process.lines[-1].startswith(line)
            assert "Started" not in process.output


# ---- where it listens


@pytest.mark.parametrize("loop", LOOPS)
def test_a_unix_socket(tmp_path: Path, loop: str) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    os.chmod(path, 0o600)
    for mode in (0o600, 0o666):
        with running(tmp_path, "--uds", str(path), "--loop", loop) as process:
            process.wait_for(f"fastserve running on unix socket {path} (Press CTRL+C to quit)")
            assert stat.S_IMODE(path.stat().st_mode) == mode
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(TIMEOUT_S)
                sock.connect(str(path))
                assert get(sock, "/")[1] == "hello"
            assert process.terminate() == -signal.SIGTERM
            assert not path.exists()


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX], ids=["tcp", "unix"])
def test_an_inherited_descriptor(tmp_path: Path, loop: str, family: int) -> None:
    path = str(tmp_path / "app.sock")
    with socket.socket(family) as listening, socket.socket(family) as client:
        listening.bind(path if family == socket.AF_UNIX else ("127.0.0.1", 0))
        fd = listening.fileno()
        with running(tmp_path, "--fd", str(fd), "--loop", loop, pass_fds=[fd]) as process:
            process.wait_for(f"fastserve running on socket {listening.getsockname()} (Press CTRL+C to quit)")
            client.settimeout(TIMEOUT_S)
            client.connect(listening.getsockname())
            assert get(client, "/")[1] == "hello"
            process.terminate()
        # It is not the command's to remove.
        assert family != socket.AF_UNIX or os.path.exists(path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many may wait, in tcpi_sacked")
def test_so_many_connections_may_wait(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        fd = listening.fileno()
        with running(tmp_path, "--fd", str(fd), "--backlog", "7", pass_fds=[fd]) as process:
            process.wait_for("CTRL+C to quit")
            info = struct.unpack("8B6I", listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32))
            assert info[13] == 7
            process.terminate()


def test_a_port_is_free_again_at_once(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0") as process:
        port = process.port
        process.get("/")
        process.terminate()
    with running(tmp_path, "--port", str(port)) as process:
        assert process.port == port
        process.terminate()


# ---- ends


def test_a_request_in_flight_is_finished_and_an_idle_connection_closed(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0") as process, process.connect() as idle, process.hold() as busy:
        process.send(signal.SIGTERM)
        process.wait_for("INFO:     Waiting for connections to close. (CTRL+C to force quit)")
        assert idle.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            process.connect()
        assert "application shutdown" not in process.output
        busy.sendall(b"x")
        assert rest(busy).endswith(b"let go")
        assert process.end() == -signal.SIGTERM
        assert process.lines[-4:] == STOPPED
        assert "cancelled" not in process.output


def test_requests_in_flight_are_cancelled_at_the_deadline(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--timeout-graceful-shutdown", "0.2") as process:
        with process.hold() as first, process.hold() as second:
            process.send(signal.SIGTERM)
            assert process.end() == -signal.SIGTERM
            rest(first)
            rest(second)
        assert "ERROR:    Cancel 2 running task(s), timeout graceful shutdown exceeded" in process.lines
        assert process.output.count("cancelled\n") == 2
        assert process.lines[-4:] == STOPPED


@pytest.mark.parametrize("loop", LOOPS)
def test_a_second_interrupt_waits_for_no_request(tmp_path: Path, loop: str) -> None:
    with running(tmp_path, "--port", "0", "--loop", loop) as process, process.hold():
        process.send(signal.SIGINT)
        process.wait_for("Waiting for connections to close")
        process.send(signal.SIGINT)
        assert process.end() == 0
        assert "cancelled" in process.lines
        assert process.lines[-4:] == STOPPED


def test_a_second_interrupt_waits_for_no_shutdown(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", environment={"LIFESPAN": "hangs at shutdown"}) as process:
        assert process.port
        process.send(signal.SIGINT)
        process.wait_for("application shutdown")
        process.send(signal.SIGINT)
        assert process.end() == 0
        assert process.lines[-1] == "INFO:     Finished server process [PID]"


# ---- failures: one clear line, and the status


def failed(tmp_path: Path, *words: str, **named: object) -> tuple[int, list[str]]:
    with running(tmp_path, *words, **named) as process:  # type: ignore[arg-type]
        status = process.end()
        return status, process.lines


def test_a_bad_option_is_2(tmp_path: Path) -> None:
    status, lines = failed(tmp_path, "--port", "http")
    assert status == 2
    assert lines[-1] == "Error: Invalid value for --port: 'http' is not a whole number from 0 to 65535."
    status, lines = failed(tmp_path, environment={"FASTSERVE_LIFESPAN": "maybe"})
    assert status == 2
    assert lines[-1] == ("Error: Invalid value for FASTSERVE_LIFESPAN: 'maybe' is not one of auto, on, off.")


def test_a_missing_application_is_3(tmp_path: Path) -> None:
    assert failed(tmp_path, app="nowhere:app") == (
        3,
        ['ERROR:    Error loading ASGI app. Could not import module "nowhere".'],
    )


def test_an_application_that_fails_to_import_shows_its_own_traceback(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import json\n\njson.loads('{')\n")
    status, lines = failed(tmp_path, "--app-dir", str(tmp_path), app="broken:app")
    assert status == 3
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{tmp_path / "broken.py"}", line 3, in <module>'
    assert lines[-1].startswith('ERROR:    Error loading ASGI app. Module "broken" failed. JSONDecodeError: ')
    assert len([line for line in lines if "fastserve" in line]) == 0


def test_an_import_may_run_a_loop_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "looping.py").write_text(
        "import asyncio\nfrom application import app\nasyncio.run(asyncio.sleep(0))\n"
    )
    environment = {"PYTHONPATH": str(HERE)}
    words = ("--port", "0", "--app-dir", str(tmp_path))
    with running(tmp_path, *words, app="looping:app", environment=environment) as process:
        assert process.get("/")[1] == "hello"
        assert process.terminate() == -signal.SIGTERM


def test_a_syntax_error_shows_its_line(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def (\n")
    status, lines = failed(tmp_path, "--app-dir", str(tmp_path), app="broken:app")
    assert status == 3
    assert lines[0] == f'  File "{tmp_path / "broken.py"}", line 1'
    assert lines[-1].startswith('ERROR:    Error loading ASGI app. Module "broken" failed. SyntaxError: ')


def held() -> str:
    """What is told of this process, which holds an address, where the system tells it."""
    name = Path("/proc/self/comm")
    return f" by process {os.getpid()} ({name.read_text().strip()})" if name.exists() else ""


def test_a_taken_port_is_3_and_one_line(tmp_path: Path, taken: int) -> None:
    assert failed(tmp_path, "--port", str(taken)) == (
        3,
        [f"ERROR:    Cannot listen on 127.0.0.1:PORT: Address already in use{held()}"],
    )


def test_a_failed_lifespan_is_3(tmp_path: Path) -> None:
    assert failed(tmp_path, "--port", "0", environment={"LIFESPAN": "fails"}) == (
        3,
        [
            *STARTED[:2],
            "ERROR:    the database is away",
            "ERROR:    Application startup failed. Exiting.",
        ],
    )


def test_a_lifespan_that_raises_is_3_only_if_it_is_wanted(tmp_path: Path) -> None:
    status, lines = failed(tmp_path, "--port", "0", "--lifespan", "on", environment={"LIFESPAN": "raises"})
    assert status == 3
    assert "RuntimeError: the database is gone" in lines
    assert lines[-1] == "ERROR:    Application startup failed. Exiting."
    for mode in ("auto", "off"):
        words = ("--port", "0", "--lifespan", mode)
        with running(tmp_path, *words, environment={"LIFESPAN": "raises"}) as process:
            assert process.get("/")[1] == "hello"
            assert process.terminate() == -signal.SIGTERM
            assert ("appears unsupported" in process.output) == (mode == "auto")


# ---- a program without its standard streams


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_stop_nothing(tmp_path: Path, redirection: str) -> None:
    shell = shutil.which("sh")
    assert shell is not None
    path = tmp_path / "app.sock"
    script = f'exec "$0" -m fastserve application:app --app-dir "$1" --uds "$2" {redirection}'
    with subprocess.Popen(
        [shell, "-c", script, sys.executable, HERE, path], stdout=subprocess.DEVNULL
    ) as popen:
        try:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(TIMEOUT_S)
                while sock.connect_ex(str(path)) != 0:
                    assert popen.poll() is None
                assert get(sock, "/")[1] == "hello"
            popen.terminate()
            assert popen.wait(TIMEOUT_S) == -signal.SIGTERM
        finally:
            if popen.poll() is None:
                popen.kill()
