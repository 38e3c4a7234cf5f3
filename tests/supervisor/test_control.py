"""--control-socket and `fastserve ctl`: what an operator asks of a running server."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .processes import COMMAND, TIMEOUT_S, Supervised, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def ctl(directory: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "ctl", *words], cwd=directory, env={**os.environ, **environment},
        capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip


def done(directory: Path, *words: str) -> str:
    answer = ctl(directory, "--socket", "c", *words)
    assert (answer.returncode, answer.stderr) == (0, "")
    return answer.stdout


def status(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done(directory, "status", "--json"))
    return found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Supervised]:
    with supervised(tmp_path, "--workers", "2", "--control-socket", "c") as server:
        server.serving(2)
        yield server


def test_only_its_owner_may_ask(server: Supervised, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o600
    assert server.ends() == 0
    assert not (tmp_path / "c").exists()


def test_status(server: Supervised, tmp_path: Path) -> None:
    server.answers()
    until(lambda: sum(worker["requests"] for worker in status(tmp_path)["workers"]) == 1)
    found = status(tmp_path)
    assert (found["state"], found["wanted"], found["pid"]) == ("serving", 2, server.process.popen.pid)
    assert found["address"] == f"http://127.0.0.1:{server.process.port}"
    assert sorted(worker["pid"] for worker in found["workers"]) == sorted(server.children)
    for worker in found["workers"]:
        assert worker["state"] == "serving"
        assert 10**6 < worker["memory_bytes"] < 10**9
    assert json.loads(done(tmp_path, "workers", "--json"))[0].keys() == found["workers"][0].keys()


def test_status_for_a_reader(server: Supervised, tmp_path: Path) -> None:
    lines = done(tmp_path, "status").splitlines()
    assert lines[0] == f"serving: 2 of 2 workers serve on http://127.0.0.1:{server.process.port}"
    assert lines[1].startswith(f"parent process {server.process.popen.pid}, up ")
    assert lines[2].split() == ["pid", "state", "for", "requests", "connections", "memory"]
    assert {int(line.split()[0]) for line in lines[3:]} == set(server.children)
    assert lines[2:][0] == done(tmp_path, "workers").splitlines()[0]


WAITING = """
import pathlib, time

def app(environ, start_response):
    start_response("200 OK", [])
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    return [b"ok"]
"""


def test_status_tells_of_the_threads_of_a_wsgi_application(tmp_path: Path) -> None:
    (tmp_path / "waiting.py").write_text(WAITING)
    words = ("--control-socket", "c", "--workers", "1", "--wsgi-threads", "2", "--interface", "wsgi")
    with supervised(tmp_path, *words, app="waiting:app", app_dir=tmp_path) as server:
        until((tmp_path / "c").exists)
        until(lambda: [worker["state"] for worker in status(tmp_path)["workers"]] == ["serving"])
        load: dict[str, float] = {}
        with contextlib.ExitStack() as stack:
            for _ in range(5):
                sock = stack.enter_context(socket.create_connection(("127.0.0.1", server.process.port)))
                sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

            def waits() -> bool:
                load.update(status(tmp_path)["workers"][0].get("wsgi", {}))
                return load.get("waiting") == 3 and load["longest_wait_s"] > 0

            until(waits)
            assert (load["threads"], load["busy"]) == (2, 2)
            titles, line = done(tmp_path, "workers").splitlines()
            assert titles.split()[-3:] == ["threads", "waiting", "longest"]
            assert line.split()[-4:-2] == ["2/2", "3"]
            (tmp_path / "go").touch()
        assert server.ends() == 0


def test_reload(server: Supervised, tmp_path: Path) -> None:
    before = set(server.children)
    done(tmp_path, "reload")
    server.serving(4)
    until(lambda: len(server.children) == 2)
    assert not before & set(server.children)


def test_scale(server: Supervised, tmp_path: Path) -> None:
    done(tmp_path, "scale", "4")
    server.serving(4)
    until(lambda: status(tmp_path)["wanted"] == 4 and len(server.children) == 4)
    done(tmp_path, "scale", "1")
    until(lambda: len(server.children) == 1)
    assert server.answers() in server.children
    assert ctl(tmp_path, "--socket", "c", "scale", "0").returncode == 2
    refused = ctl(tmp_path, "--socket", "c", "scale", "44444")  # a slip of the finger, and no machine's end
    assert (refused.returncode, refused.stderr) == (1, "Error: There may be 4096 workers.\n")
    assert status(tmp_path)["wanted"] == 1


def test_reopen(tmp_path: Path) -> None:
    log = tmp_path / "e.log"
    words = ("--control-socket", "c", "--error-log-file", str(log), "--uds", "s")
    with supervised(tmp_path, *words) as server:
        until(lambda: log.exists() and "startup complete" in log.read_text())
        log.rename(tmp_path / "old.log")
        done(tmp_path, "reopen")
        until(log.exists)
        assert server.ends() == 0


def test_stop(server: Supervised, tmp_path: Path) -> None:
    with server.hold() as sock:
        done(tmp_path, "stop")
        server.wait_for("Waiting for connections to close")
        assert status(tmp_path)["state"] == "stopping"
        assert ctl(tmp_path, "--socket", "c", "reload").stderr == "Error: The server is to end.\n"
        sock.sendall(b"x")
    assert server.process.end() == 0


def test_where_the_socket_is(server: Supervised, tmp_path: Path) -> None:
    assert ctl(tmp_path, "status", FASTSERVE_CONTROL_SOCKET="c").returncode == 0
    (tmp_path / "pyproject.toml").write_text('[tool.fastserve]\ncontrol_socket = "c"')
    assert ctl(tmp_path, "status").returncode == 0


def test_nobody_there(tmp_path: Path) -> None:
    answer = ctl(tmp_path, "--socket", "c", "status")
    assert answer.returncode == 1
    assert answer.stderr == "Error: No server answers at c: No such file or directory\n"
    answer = ctl(tmp_path, "status")
    assert answer.returncode == 2
    assert "Which server? Name its socket: --socket, FASTSERVE_CONTROL_SOCKET or a file" in answer.stderr


@pytest.mark.parametrize(
    "line", [b"\xff\n", b"[]\n", b'{"do": "dance"}\n', b'{"do": "scale", "count": true}\n']
)
def test_nonsense_is_answered(server: Supervised, tmp_path: Path, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(tmp_path / "c"))
        sock.sendall(line)
        assert "error" in json.loads(sock.recv(1000))
        assert sock.recv(1) == b""


def test_silence_holds_nobody_up(server: Supervised, tmp_path: Path) -> None:
    silent = []
    for _ in range(20):
        silent.append(socket.socket(socket.AF_UNIX))
        silent[-1].connect(str(tmp_path / "c"))
    with socket.socket(socket.AF_UNIX) as endless:
        endless.connect(str(tmp_path / "c"))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(10_000):
                endless.sendall(b"x" * 1000)
            pytest.fail("the server takes a line without an end")
    assert status(tmp_path)["state"] == "serving"
    for sock in silent:
        sock.close()
    assert server.ends() == 0
