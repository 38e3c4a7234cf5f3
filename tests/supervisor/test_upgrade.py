"""USR2: another process takes over, or does not; tests/supervisor/test_no_loss.py counts the answers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from .processes import COMMAND, TIMEOUT_S, children_of, is_running
from .upgrades import end, pid_of, upgradable, upgraded

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def test_the_old_one_retires(tmp_path: Path) -> None:
    words = ("--workers", "2", "--uds", "s", "--control-socket", "c", "--timeout-keep-alive", "1")
    with upgradable(tmp_path, *words) as server:
        server.wait_for("startup complete", 2)
        children = server.children
        old, new = upgraded(server, 2)
        os.kill(new, signal.SIGUSR2)  # one at a time
        server.wait_for(f"process [{old}] serves too")
        end(old)
        assert server.process.end() == 0
        assert [child for child in children if is_running(child)] == []
        assert not (tmp_path / "p.oldbin").exists()
        assert pid_of(tmp_path / "p") == new
        answer = subprocess.run(
            [*COMMAND, "ctl", "--socket", "c", "status", "--json"],
            cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S,
        )  # fmt: skip
        assert json.loads(answer.stdout)["pid"] == new
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect(str(tmp_path / "s"))
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        end(new)
        assert [*tmp_path.glob("[psc]")] == []


def test_the_new_one_is_backed_out(tmp_path: Path) -> None:
    with upgradable(tmp_path, "--supervise", "--uds", "s", "--timeout-keep-alive", "1") as server:
        server.wait_for("startup complete")
        old, new = upgraded(server, 1)
        (tmp_path / "p.oldbin").unlink()  # somebody has tidied up
        os.kill(new, signal.SIGTERM)
        server.wait_for(f"Process [{new}] has ended: exit status 0. This one goes on.")
        assert pid_of(tmp_path / "p") == old
        assert not (tmp_path / "p.oldbin").exists()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(tmp_path / "s"))
        assert server.ends() == 0
        assert not (tmp_path / "s").exists()


def test_one_that_cannot_start_is_no_harm(tmp_path: Path) -> None:
    with upgradable(tmp_path, "--workers", "1", "--supervise", "--control-socket", "c") as server:
        (worker,) = server.serving(1)
        (tmp_path / "broken").write_text("not today")
        server.send(signal.SIGUSR2)
        server.wait_for("has ended: exit status 3. This one goes on.")
        assert "RuntimeError: not today" in server.output
        assert pid_of(tmp_path / "p") == server.process.popen.pid
        assert (tmp_path / "c").exists()
        assert server.answers() == worker
        (tmp_path / "broken").unlink()
        old, new = upgraded(server, 1)
        assert old == server.process.popen.pid
        end(old)
        end(new)


def test_systemd_hears_of_it(tmp_path: Path) -> None:
    """The main process tells who is the next one: it alone is listened to."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "n"))
        notified.settimeout(TIMEOUT_S)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "n")}
        with upgradable(tmp_path, "--supervise", "--port", "0", environment=environment) as server:
            server.wait_for("startup complete")
            old, new = upgraded(server, 1)
            end(old)
            told = b""
            while b"MAINPID=" not in told:
                told = notified.recv(4096)
                assert b"STOPPING" not in told
            assert f"MAINPID={new}\n".encode() in told
            end(new)
            while b"STOPPING=1" not in told:
                told = notified.recv(4096)


@pytest.mark.huge
def test_queues_of_their_own_are_taken_over(tmp_path: Path) -> None:
    words = ("--reuse-port", "--timeout-keep-alive", "1")
    environment = {**os.environ, "FASTSERVE_WORKERS": "3"}
    with upgradable(tmp_path, *words, environment=environment) as server:
        server.serving(3)
        old, new = upgraded(server, 3)
        end(old)
        workers = {server.answers() for _ in range(20)}
        assert workers <= {*children_of(new)}
        end(new)
