"""Workers of a user who owns nothing, forked from a process of that user's; root does what only root can."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import COMMAND, TIMEOUT_S, children_of, get, until
from .test_surroundings import AS_ROOT, identity, nobody_can_run
from .upgrades import end, pid_of, upgradable

pytestmark = [AS_ROOT, pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")]

NOBODY = 65534


@pytest.fixture
def directory() -> Iterator[Path]:
    """Whose files are nobody's, but for `private`, which is root's alone. Not below pytest's own, which every
    pytest that begins closes for others."""
    if not nobody_can_run():
        pytest.skip("the interpreter or fastserve is not readable to users who own nothing of it")
    with tempfile.TemporaryDirectory() as name:
        shutil.chown(name, NOBODY, NOBODY)
        (Path(name) / "private").mkdir(mode=0o700)
        yield Path(os.path.realpath(name))


def asked(path: Path, target: str = "/") -> str:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(TIMEOUT_S)
        until(lambda: sock.connect_ex(str(path)) == 0)
        return get(sock, target)[1]


def forked(parent: int) -> list[int]:
    """The workers of a parent, which another child of its has forked."""
    return [worker for child in children_of(parent) for worker in children_of(child)]


def are_nobodys(pids: list[int]) -> bool:
    return all(identity(pid)[0] == [str(NOBODY)] * 4 for pid in pids)


def owner(path: Path) -> int:
    return path.stat().st_uid if path.exists() else -1


def test_a_whole_life(directory: Path) -> None:
    """It binds, and writes down, where only root can; workers crash, are replaced and upgraded; logs move."""
    private, log = directory / "private", directory / "e.log"
    words = ["--user", "nobody", "--workers", "2", "--preload", "--timeout-keep-alive", "0.1"]
    words += ["--timeout-worker-healthcheck", "60"]  # for machines that are busy with other things
    for option, name in (("uds", "s"), ("control-socket", "c"), ("pid-file", "p")):
        words += [f"--{option}", str(private / name)]
    words += ["--health-bind", f"unix:{private / 'h'}", "--metrics", f"unix:{private / 'm'}"]
    words += ["--error-log-file", "e.log", "--access-log", "--access-log-file", "a.log"]

    def begun() -> int:
        return sum(found.read_text().count("startup complete") for found in directory.glob("e.log*"))

    def status() -> dict[str, object]:
        command = [*COMMAND, "ctl", "--socket", str(private / "c"), "status", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        found: dict[str, object] = json.loads(done.stdout)
        return found

    with upgradable(directory, *words) as server:
        old = server.process.popen.pid
        until(lambda: begun() == 2)
        first = forked(old)
        assert are_nobodys([*first, *children_of(old)])
        assert int(asked(private / "s")) in first
        assert "ok" in asked(private / "h", "/readyz")

        os.kill(first[0], signal.SIGKILL)
        until(lambda: begun() == 3)
        until(lambda: len(forked(old)) == 2)
        os.kill(old, signal.SIGHUP)
        until(lambda: begun() == 5)
        until(lambda: len(forked(old)) == 2 and not {*forked(old)} & {*first})
        assert are_nobodys(forked(old))

        log.rename(directory / "e.log.1")
        (directory / "a.log").rename(directory / "a.log.1")
        os.kill(old, signal.SIGUSR1)
        until(lambda: owner(log) == NOBODY and owner(directory / "a.log") == NOBODY)

        os.kill(old, signal.SIGUSR2)
        until(lambda: begun() == 7)
        new = pid_of(private / "p")
        until(lambda: len(forked(new)) == 2)
        assert are_nobodys([*forked(new), *children_of(new)])
        end(old)
        assert server.process.end() == 0
        assert int(asked(private / "s")) in forked(new)
        assert "ok" in asked(private / "h", "/readyz")
        assert "fastserve_" in asked(private / "m", "/metrics")
        assert status()["pid"] == new
        end(new)
    assert [*private.iterdir()] == []
    assert "Cannot" not in log.read_text()
    assert {*(directory / "output.txt").read_text().splitlines()} == {"application shutdown"}
