"""A server is always stopped: at the end of its block, upon an error, upon Ctrl-C."""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from fastserve.measure import process
from fastserve.measure.interrupts import Interrupts
from fastserve.measure.process import free_port, running
from fastserve.measure.spread import Void

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pins to cores")

LISTEN = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + LISTEN
CORE = min(os.sched_getaffinity(0)) if sys.platform == "linux" else 0


def command(program: str, port: int) -> list[str]:
    return [sys.executable, "-c", program, str(port)]


def assert_gone(pid: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_runs_on_its_core_and_ends_with_the_block(tmp_path: Path) -> None:
    cores = os.sched_getaffinity(0)
    port = free_port()
    with running(command(LISTEN, port), port, {CORE}, tmp_path, os.environ) as server:
        with server.connect_first() as client:
            assert client.getpeername() == ("127.0.0.1", port)
        assert os.sched_getaffinity(server.pid) == {CORE}
        assert os.sched_getaffinity(0) == cores
    assert_gone(server.pid)


def test_an_interrupt_ends_it(tmp_path: Path) -> None:
    port = free_port()
    with (
        pytest.raises(KeyboardInterrupt),
        running(command(LISTEN, port), port, {CORE}, tmp_path, os.environ) as server,
    ):
        raise KeyboardInterrupt
    assert_gone(server.pid)


def test_one_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_TIMEOUT_S", 0.1)
    port = free_port()
    with running(command(STUBBORN, port), port, {CORE}, tmp_path, os.environ) as server:
        server.connect_first().close()
    assert server.process.returncode == -signal.SIGKILL


def test_one_that_fails_is_void_with_what_it_said(tmp_path: Path) -> None:
    port = free_port()
    program = "raise SystemExit('no such application')"
    with (
        pytest.raises(Void, match="code 1: no such application"),
        running(command(program, port), port, {CORE}, tmp_path, os.environ) as server,
    ):
        server.connect_first()


def raise_in_block(interrupts: Interrupts, number: int, released: bool) -> list[str]:
    """Raise a signal in a held block, or in a released one inside it; give the steps that were reached."""
    steps = []
    try:
        with interrupts.held():
            with interrupts.released() if released else contextlib.nullcontext():
                signal.raise_signal(number)
                time.sleep(0)  # by now the handler has run
                steps.append("behind the signal")
            steps.append("behind the block")
    except KeyboardInterrupt:
        steps.append("interrupted")
    return steps


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_held_interrupt_waits_for_the_end_of_the_block(number: int) -> None:
    interrupts = Interrupts()
    before = {known: signal.getsignal(known) for known in (signal.SIGINT, signal.SIGTERM)}
    try:
        interrupts.install()
        held = raise_in_block(interrupts, number, released=False)
        released = raise_in_block(interrupts, number, released=True)
    finally:
        for known, handler in before.items():
            signal.signal(known, handler)
    assert held == ["behind the signal", "behind the block", "interrupted"]
    assert released == ["interrupted"]
