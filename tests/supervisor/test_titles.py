"""What do `ps` and `top` call the processes?"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from .processes import supervised

pytestmark = pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="reads /proc")


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0 ")


def name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


@pytest.mark.skipif(find_spec("setproctitle") is None, reason="setproctitle is not installed")
def test_with_setproctitle(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        workers = server.serving(2)
        assert command_line(server.process.popen.pid) == "fastserve: supervisor application:app"
        assert sorted(map(command_line, workers)) == [
            "fastserve: worker 1 application:app",
            "fastserve: worker 2 application:app",
        ]
        assert server.ends() == 0


def test_without_it(tmp_path: Path) -> None:
    """The kernel's short name. A worker's number is the lowest that is free, whoever has gone."""
    (tmp_path / "setproctitle.py").write_text("raise ImportError")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    with supervised(tmp_path, "--workers", "2", environment={"PYTHONPATH": path}) as server:
        workers = server.serving(2)
        assert name(server.process.popen.pid) == "fastserve: sup"
        assert sorted(map(name, workers)) == ["fastserve: w1", "fastserve: w2"]
        with server.process.connect() as sock:
            sock.sendall(b"GET /exit HTTP/1.1\r\nHost: a\r\n\r\n")
            sock.recv(1)
        workers = server.serving(3)
        assert sorted(map(name, workers)) == ["fastserve: w1", "fastserve: w2"]
        assert server.ends() == 0
