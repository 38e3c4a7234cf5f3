"""The end: the delay in which clients are sent away, and the deadline for those who stay."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from .processes import supervised

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

ONE_AND_TWO = pytest.mark.parametrize("words", [(), ("--workers", "2")], ids=["one process", "workers"])


@ONE_AND_TWO
def test_clients_are_sent_away_before_nobody_accepts(tmp_path: Path, words: tuple[str, ...]) -> None:
    with supervised(tmp_path, "--shutdown-delay-s", "1", *words) as server:
        server.serving(len(words) or 1)
        assert server.process.port
        kept = server.process.connect()
        kept.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"connection: close" not in kept.recv(1000)
        begun_s = time.monotonic()
        server.send(signal.SIGTERM)
        server.wait_for("Shutting down in 1 seconds", len(words) or 1)
        kept.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"connection: close" in kept.recv(1000)
        assert kept.recv(1) == b""
        kept.close()
        with server.process.connect() as late:
            late.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"connection: close" in late.recv(1000)
        assert server.process.end() == (0 if words else -signal.SIGTERM)
        assert time.monotonic() - begun_s >= 1


@ONE_AND_TWO
def test_a_second_int_cuts_the_delay(tmp_path: Path, words: tuple[str, ...]) -> None:
    with supervised(tmp_path, "--shutdown-delay-s", "3600", *words) as server:
        server.serving(len(words) or 1)
        server.send(signal.SIGINT)
        server.wait_for("Shutting down in 3600 seconds", len(words) or 1)
        assert server.ends(signal.SIGINT) == 0
        assert "Application shutdown complete." in server.output


def test_a_restart_has_no_delay(tmp_path: Path) -> None:
    """The successor serves already."""
    with supervised(tmp_path, "--shutdown-delay-s", "3600", "--supervise") as server:
        server.serving(1)
        server.send(signal.SIGHUP)
        server.wait_for("Finished server process")
        server.send(signal.SIGINT)
        server.wait_for("Shutting down in 3600 seconds")
        assert server.ends(signal.SIGINT) == 0


def test_a_stream_without_an_end_is_cut_at_the_deadline(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2", "--timeout-graceful-shutdown", "0.3") as server:
        server.serving(2)
        with server.hold("/endless"):
            assert server.ends() == 0
        assert "Cancel 1 running task(s), timeout graceful shutdown exceeded" in server.output
        assert server.output.count("Application shutdown complete.") == 2


@pytest.mark.huge
def test_without_an_option_the_deadline_of_workers_is_30_seconds(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        server.serving(2)
        with server.hold("/endless"):
            begun_s = time.monotonic()
            server.send(signal.SIGTERM)
            assert server.process.popen.wait(60) == 0
            assert 29 < time.monotonic() - begun_s < 40
