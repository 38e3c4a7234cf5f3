"""Workers that do not answer, or never begin to: what is told of them, and what becomes of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from .processes import supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def test_what_holds_a_blocked_loop_is_told(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2", "--timeout-worker-healthcheck", "0.4") as server:
        before = set(server.serving(2))
        with server.hold("/blocked") as sock:
            server.wait_for(", which has not answered, is here:")
            assert sock.recv(1) == b""
        told = server.output.partition("is here:\n")[2]
        assert told.startswith(
            "Thread \"MainThread\", for the request POST '/blocked' (most recent call last)"
        )
        assert "application.py" in told
        assert "time.sleep(0.01)" in told
        assert "fastserve supervisor" not in told
        until(lambda: len(server.children) == 2)
        assert len(set(server.serving(3)) & before) == 1
        assert server.ends() == 0


def test_one_that_comes_to_itself_finishes_its_request(tmp_path: Path) -> None:
    """It is replaced all the same, but nothing is lost."""
    (tmp_path / "hold").touch()
    with supervised(tmp_path, "--workers", "2", "--timeout-worker-healthcheck", "0.5") as server:
        before = set(server.serving(2))
        with server.hold("/held-up") as sock:
            server.wait_for("is here:")
            (tmp_path / "hold").unlink()
            sock.sendall(b"x")
            answer = sock.recv(1000)
        pid = int(answer.rpartition(b"\r\n\r\n")[2])
        assert pid in before
        server.serving(3)
        until(lambda: pid not in server.children)
        assert "died" not in server.output
        assert server.ends() == 0


def test_one_that_is_stopped_is_killed(tmp_path: Path) -> None:
    """As nothing else reaches it."""
    with supervised(tmp_path, "--workers", "2", "--timeout-worker-healthcheck", "0.5") as server:
        first = server.serving(2)[0]
        until(lambda: server.answers() == first)  # which it has told the parent by then
        os.kill(first, signal.SIGSTOP)
        server.wait_for(f"Child process [{first}] has not answered")
        server.wait_for("seconds: it is killed")
        server.serving(3)
        until(lambda: first not in server.children)
        assert server.answers() in server.children
        assert server.ends() == 0


def test_one_that_does_not_start_is_killed(tmp_path: Path) -> None:
    (tmp_path / "slow").touch()
    with supervised(tmp_path, "--workers", "2", "--worker-boot-timeout-s", "2") as server:
        server.wait_for("application.py", 2)  # some may have been killed before they came so far
        server.wait_for("died: killed by SIGKILL", 2)
        assert server.output.count("has not started in 2 seconds") >= 2
        (tmp_path / "slow").unlink()
        assert len(server.serving(2)) == 2
        assert server.ends() == 0
