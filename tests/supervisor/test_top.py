"""`fastserve top`: what an operator sees, in a terminal and printed."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

from .processes import COMMAND, TIMEOUT_S, Supervised, supervised, until
from .test_requests import asked

pytest.importorskip("rich")
pytest.importorskip("fastserve.loop_watch", reason="nothing was compiled")
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

TOP = (*COMMAND, "top", "--socket", "c")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    directory = tmp_path_factory.mktemp("top")
    with supervised(directory, "--workers", "2", "--control-socket", "c") as server:
        server.serving(2)
        until(lambda: len(asked(server)["workers"]) == 2)
        yield server


def test_printed_and_drawn(server: Supervised) -> None:
    with server.hold("/held") as held:
        done = subprocess.run(
            [*TOP, "--rounds", "2", "--svg", "t.svg"], cwd=server.directory, capture_output=True, text=True,
            timeout=TIMEOUT_S, env={**os.environ, "COLUMNS": "100"},
        )  # fmt: skip
        held.sendall(b"x")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("fastserve ") and "serving, on http://127.0.0.1:" in lines[0]
    for pid in server.children:
        assert any(line.startswith(f"{pid} ") and " serving " in line for line in lines)
    (line,) = (line for line in lines if "POST /held" in line)
    assert "waits for its body, " in line
    assert "application.py:" in lines[lines.index(line) + 1]
    assert any(line.startswith("in hand ") and line.split()[2] == "1.0" for line in lines)
    assert "POST&#160;/held" in (server.directory / "t.svg").read_text()


def test_in_a_terminal(server: Supervised) -> None:
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    top = subprocess.Popen(
        TOP, cwd=server.directory, stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        seen = b""
        deadline_s = time.monotonic() + TIMEOUT_S
        while seen.count(b"requests/s") < 1:  # known at the second look
            assert time.monotonic() < deadline_s, seen
            if select.select([ours], [], [], 1)[0]:
                seen += os.read(ours, 65536)
        assert b"\x1b[?1049h" in seen  # a screen of its own
        top.send_signal(signal.SIGINT)
        left = b""
        while b"\x1b[?1049l" not in left:  # left as it was
            assert time.monotonic() < deadline_s, left
            if select.select([ours], [], [], 1)[0]:
                left += os.read(ours, 65536)
        assert top.wait(TIMEOUT_S) == 0
    finally:
        top.kill()
        top.wait()
        os.close(ours)


def test_nobody_there(tmp_path: Path) -> None:
    done = subprocess.run(TOP, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 1
    assert done.stderr == "Error: No server answers at c: No such file or directory\n"
