"""deploy/fastserve.service, without systemd: its command line, its sockets, and what it hears meanwhile."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .processes import COMMAND, HERE, TIMEOUT_S, get, is_running, until
from .test_surroundings import HAND_OVER, heard

SERVICE = HERE.parents[1] / "deploy" / "fastserve.service"
pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc"),
    pytest.mark.skipif(not SERVICE.exists(), reason="the files are not here"),
]


def test_the_unit(tmp_path: Path) -> None:
    """It starts, reloads and stops in time, and tells of each; both sockets of the other unit are served."""
    (line,) = re.findall(r"^ExecStart=(.*)$", SERVICE.read_text(), re.M)
    words = shlex.split(line.replace("/run/shop", str(tmp_path)).replace("127.0.0.1:9000", "127.0.0.1:0"))
    inet, local = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    local.bind(str(tmp_path / "shop.sock"))
    local.listen()
    with inet, local, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(TIMEOUT_S)
        # Beyond the numbers that they are given.
        numbers = [os.dup(os.dup(sock.fileno())) for sock in (inet, local)]
        command = [sys.executable, "-c", HAND_OVER, ",".join(map(str, numbers)), *COMMAND[1:]]
        with (tmp_path / "output.txt").open("w") as output:
            popen = subprocess.Popen(
                [*command, "application:app", "--app-dir", str(HERE), *words[2:]],
                cwd=tmp_path, stdout=output, stderr=output, pass_fds=numbers,
                env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"},
            )  # fmt: skip
        for number in numbers:
            os.close(number)
        workers: set[int] = set()
        try:
            assert heard(systemd, "READY")["READY"] == "1"
            while heard(systemd, "STATUS")["STATUS"] != "4 of 4 workers serve":
                pass
            with socket.create_connection(inet.getsockname(), TIMEOUT_S) as client:
                workers.add(int(get(client, "/")[1]))
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(TIMEOUT_S)
                client.connect(str(tmp_path / "shop.sock"))
                workers.add(int(get(client, "/")[1]))
            assert (tmp_path / "control").is_socket()
            popen.send_signal(signal.SIGHUP)
            heard(systemd, "RELOADING")
            heard(systemd, "READY")
            until(lambda: (tmp_path / "output.txt").read_text().count("startup complete") == 8)
            popen.terminate()
            heard(systemd, "STOPPING")
            assert popen.wait(TIMEOUT_S) == 0
            assert not any(map(is_running, workers))
        finally:
            popen.kill()
            popen.wait()
