"""--bind: several addresses at once, of each kind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .processes import COMMAND, HERE, TIMEOUT_S, get, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

ONE_AND_TWO = pytest.mark.parametrize("words", [(), ("--workers", "2")], ids=["one process", "workers"])


@ONE_AND_TWO
def test_all_are_listened_on(tmp_path: Path, words: tuple[str, ...]) -> None:
    """HOST and PORT mean nothing then; paths are removed in the end."""
    handed_over = socket.create_server(("127.0.0.1", 0))
    addresses = [
        "127.0.0.1:0",
        "127.0.0.1:0",
        "unix:one.sock",
        "unix:two.sock",
        f"fd://{handed_over.fileno()}",
    ]
    command = [
        *COMMAND,
        "application:app",
        "--app-dir",
        str(HERE),
        "--port",
        "1",
        "--uds-mode",
        "600",
        *words,
    ]
    for address in addresses:
        command += ["--bind", address]
    output = tmp_path / "output.txt"
    with handed_over, output.open("w") as file:
        popen = subprocess.Popen(
            command, cwd=tmp_path, stdout=file, stderr=file, pass_fds=[handed_over.fileno()]
        )
        try:
            until(lambda: output.read_text().count("startup complete") == len(words or "1"))
            until(lambda: "CTRL+C" in output.read_text())
            (line,) = [line for line in output.read_text().splitlines() if "running on" in line]
            shown = line.removeprefix("INFO:     fastserve running on ").split(" (")[0].split(", ")
            assert shown[2:4] == ["unix socket one.sock", "unix socket two.sock"]
            ports = [int(text.rpartition(":")[2]) for text in shown[:2]] + [handed_over.getsockname()[1]]
            assert len({*ports}) == 3
            with socket.socket() as sock:  # a worker says that it has started, and then listens
                until(lambda: sock.connect_ex(("127.0.0.1", ports[0])) == 0)
            for port in ports:
                with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as sock:
                    assert get(sock, "/")[1].isdecimal()
            for name in ("one.sock", "two.sock"):
                assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(str(tmp_path / name))
                    assert get(sock, "/")[1].isdecimal()
            popen.terminate()
            assert popen.wait(TIMEOUT_S) == (0 if words else -signal.SIGTERM)
            assert not [*tmp_path.glob("*.sock")]
        finally:
            popen.kill()
            popen.wait()


def test_none_stays_if_one_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("--bind", "unix:one.sock", "--bind", f"127.0.0.1:{port}")
        with supervised(tmp_path, *words) as server:
            assert server.process.end() == 3
            assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in server.output
        assert not (tmp_path / "one.sock").exists()


def test_what_is_no_address_is_a_bad_option(tmp_path: Path) -> None:
    with supervised(tmp_path, "--bind", "/run/app.sock") as server:
        assert server.process.end() == 2
        assert "Invalid value for --bind: '/run/app.sock' is no address." in server.output


def test_the_environment_has_a_line_for_each(tmp_path: Path) -> None:
    environment = {**os.environ, "FASTSERVE_BIND": "unix:one.sock\nunix:two.sock"}
    shown = subprocess.run(
        [sys.executable, "-m", "fastserve", "application:app", "--print-config"],
        env=environment, capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert 'bind = ["unix:one.sock", "unix:two.sock"]' in shown.stdout
