"""How does a server run, on its own core, from its start to its certain end?"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from fastserve.measure.interrupts import interrupts
from fastserve.measure.spread import Void

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 10.0
STDERR_SHOWN_CHARS = 300


@dataclass(frozen=True)
class Running:
    """A started server. `spawned_s` is the time of its spawn on `time.perf_counter`'s clock."""

    process: subprocess.Popen[bytes]
    port: int
    spawned_s: float
    stdout: Path
    stderr: Path

    @property
    def pid(self) -> int:
        """The server's first process."""
        return self.process.pid

    def check_alive(self) -> None:
        """Raise `Void`, with the end of the server's stderr, if the server has ended."""
        code = self.process.poll()
        if code is not None:
            said = " ".join(self.stderr.read_text(errors="replace").split())
            raise Void(f"the server ended with code {code}: {said[-STDERR_SHOWN_CHARS:]}")

    def connect(self) -> socket.socket:
        """A blocking connection to the server; its operations time out after `ANSWER_TIMEOUT_S`."""
        return socket.create_connection(("127.0.0.1", self.port), ANSWER_TIMEOUT_S)

    def connect_first(self) -> socket.socket:
        """The first connection, as soon as the server accepts one.

        It polls without a pause: that costs the load core only, and a pause would be part of a start's time.
        """
        while time.perf_counter() - self.spawned_s < START_TIMEOUT_S:
            with contextlib.suppress(ConnectionRefusedError):
                return self.connect()
            self.check_alive()
        raise Void(f"it does not listen {START_TIMEOUT_S:g} s after its start")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def on_cores(cores: Set[int]) -> Callable[[], None]:
    """What a child calls before it becomes a program, to be on these cores from the first instruction on.

    The parent stays where it is: were it to go there itself to start the child, a child that never waits
    could keep it there for good, where both are scheduled in real time.
    """
    return lambda: os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def running(
    command: Sequence[str],
    port: int,
    cores: Set[int],
    scratch: Path,
    environment: Mapping[str, str],
    directory: Path | None = None,
) -> Iterator[Running]:
    """Start a server on its cores, its output going to files in `scratch`; stop it at the end of the block.

    It works in `directory`, or else in `scratch`, so that it imports what is installed and not what lies
    here. It leads a session of its own, so that Ctrl-C reaches the benchmark alone, which then ends the
    server.
    """
    stdout, stderr = scratch / "stdout", scratch / "stderr"
    with stdout.open("wb") as out, stderr.open("wb") as err, interrupts.held():
        spawned_s = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=directory or scratch,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
            preexec_fn=on_cores(cores),  # no other thread runs here: the benchmark has none
        )
        try:
            with interrupts.released():
                yield Running(process, port, spawned_s, stdout, stderr)
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server that `running` started: asked first, then by force, with all its children."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
