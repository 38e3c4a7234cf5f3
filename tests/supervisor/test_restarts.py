"""HUP: new workers with a configuration that is read again, and nobody notices."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from .processes import Supervised, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def restarted(server: Supervised, started: int) -> list[int]:
    """Restart the workers; the new ones, once so many have started in all and the old ones have gone."""
    before = set(server.children)
    server.send(signal.SIGHUP)
    server.serving(started)
    until(lambda: not before & set(server.children))
    return server.children


def test_one_worker_can_be_watched_and_replaced_too(tmp_path: Path) -> None:
    with supervised(tmp_path, "--supervise") as server:
        (before,) = server.serving(1)
        assert server.answers() == before
        server.send(signal.SIGHUP)
        while server.answers() == before:  # no moment at which nobody answers
            pass
        until(lambda: before not in server.children)
        assert len(server.children) == 1
        assert server.ends() == 0


def test_one_that_dies_while_it_ends_its_requests_is_told_of(tmp_path: Path) -> None:
    with supervised(tmp_path, "--supervise") as server:
        (before,) = server.serving(1)
        with server.open("/held") as sock:
            server.wait_for("held")
            server.send(signal.SIGHUP)
            server.wait_for(f"Terminated child process [{before}]")
            os.kill(before, signal.SIGKILL)
            assert sock.recv(1) == b""
        server.wait_for(f"Child process [{before}] died before it had ended: killed by SIGKILL")
        assert server.ends() == 0
        assert server.output.count("died") == 1


def test_one_worker_stays_if_its_successor_cannot_start(tmp_path: Path) -> None:
    with supervised(tmp_path, "--supervise") as server:
        (before,) = server.serving(1)
        (tmp_path / "broken").write_text("half an edit")
        server.send(signal.SIGHUP)
        server.wait_for("aborting the restart.")
        assert server.children == [before]
        assert server.answers() == before
        assert server.ends() == 0


def test_the_configuration_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('headers = ["X-Version: one"]\nworkers = 2')
    with supervised(tmp_path, "--config", str(file)) as server:
        server.serving(2)
        assert server.process.get("/")[0]["x-version"] == "one"
        file.write_text('headers = ["X-Version: two"]\nworkers = 3')
        assert len(restarted(server, 5)) == 3
        assert server.process.get("/")[0]["x-version"] == "two"
        assert server.ends() == 0


def test_a_broken_configuration_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text("workers = 2")
    with supervised(tmp_path, "--config", str(file)) as server:
        before = set(server.serving(2))
        file.write_text("workers = many")
        server.send(signal.SIGHUP)
        server.wait_for("Keeping all child processes and the configuration.")
        file.write_text("backlog = 0")
        server.send(signal.SIGHUP)
        server.wait_for("Keeping all child processes and the configuration.", 2)
        assert f"Invalid value for backlog in {file}: 0 is not a whole number" in server.output
        assert set(server.children) == before
        assert server.answers() in before
        assert server.ends() == 0


def test_another_address_needs_another_parent(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('host = "127.0.0.1"')
    with supervised(tmp_path, "--config", str(file), "--workers", "2") as server:
        server.serving(2)
        file.write_text('host = "127.0.0.2"\npid_file = "p"\numask = "077"\ncontrol_socket = "c"')
        assert len(restarted(server, 4)) == 2
        for name in ("host", "pid_file", "umask", "control_socket"):
            assert f"{name} has changed: that takes effect when the parent process starts." in server.output
        assert server.answers() in server.children
        assert server.ends() == 0


def test_two_restarts_at_once_are_two(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        server.serving(2)
        server.send(signal.SIGHUP)
        server.serving(3)
        middle = set(server.children)
        server.send(signal.SIGHUP)
        until(lambda: len(server.children) == 2 and not middle & set(server.children))
        assert server.answers() in server.children
        assert "died" not in server.output
        assert server.ends() == 0


def test_each_that_is_due_is_told_of_once(tmp_path: Path) -> None:
    """Also where several are at the same time: they are replaced one by one."""
    words = ("--workers", "2", "--limit-max-requests", "1", "--timeout-keep-alive", "0.1")
    with supervised(tmp_path, *words, "--timeout-worker-healthcheck", "60") as server:
        before = set(server.serving(2))
        server.send(signal.SIGSTOP)  # it hears of both at once
        seen: set[int] = set()
        while seen != before:
            seen.add(server.answers())
        server.send(signal.SIGCONT)
        until(lambda: not before & set(server.children))
        for pid in before:
            assert server.output.count(f"Replacing child process [{pid}]") == 1
        assert server.ends() == 0
