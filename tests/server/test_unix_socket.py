"""--uds: a path that others have used, use, or may use."""

from __future__ import annotations

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from .process import TIMEOUT_S, Process, get, running


@pytest.fixture
def directories(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("one", "two")]
    for directory in made:
        directory.mkdir()
    return made


def answer(process: Process, path: Path) -> str:
    process.wait_for("CTRL+C to quit")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(TIMEOUT_S)
        client.connect(str(path))
        return get(client, "/")[1]


def mode(path: Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_what_a_killed_server_left_behind_is_replaced(tmp_path: Path, directories: list[Path]) -> None:
    path = tmp_path / "app.sock"
    with running(directories[0], "--uds", str(path), "--uds-mode", "600") as first:
        assert answer(first, path) == "hello"
        first.send(signal.SIGKILL)
        assert first.end() == -signal.SIGKILL
    assert path.is_socket()
    with running(directories[1], "--uds", str(path)) as second:
        assert answer(second, path) == "hello"
        assert mode(path) == 0o600
        second.terminate()
    assert not path.exists()


def test_a_path_that_is_served_is_refused(tmp_path: Path, directories: list[Path]) -> None:
    path = tmp_path / "app.sock"
    with running(directories[0], "--uds", str(path)) as first:
        assert answer(first, path) == "hello"
        assert mode(path) == 0o666
        with running(directories[1], "--uds", str(path), "--uds-mode", "600") as second:
            assert second.end() == 3
            assert f"Cannot listen on unix socket {path}: Address already in use" in second.output
        assert mode(path) == 0o666
        assert answer(first, path) == "hello"
        first.terminate()


def test_a_bad_mode_is_an_error_of_usage(tmp_path: Path) -> None:
    with running(tmp_path, "--uds", "app.sock", "--uds-mode", "rw") as process:
        assert process.end() == 2
        assert "Invalid value for --uds-mode: 'rw' is not octal digits like 660." in process.output


@pytest.mark.parametrize(("flag", "kind"), [("--uds-owner", "user"), ("--uds-group", "group")])
def test_who_does_not_exist_is_told(tmp_path: Path, flag: str, kind: str) -> None:
    with running(tmp_path, "--uds", "app.sock", flag, "no-such-name") as process:
        assert process.end() == 3
        assert f"Cannot listen on unix socket app.sock: there is no {kind} 'no-such-name'" in process.output
    assert not (tmp_path / "app.sock").exists()
