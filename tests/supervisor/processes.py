"""How are a supervisor and its children started and watched?"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from server.process import COMMAND, TIMEOUT_S, Process, get, running

__all__ = [
    "COMMAND",
    "HERE",
    "TIMEOUT_S",
    "Supervised",
    "children_of",
    "get",
    "is_running",
    "supervised",
    "until",
]

HERE = Path(__file__).parent


def until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come true"
        time.sleep(0.005)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(pid: int) -> list[int]:
    """None, if it has ended."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


class Supervised:
    """A supervisor, and what it has started."""

    def __init__(self, process: Process, directory: Path) -> None:
        self.process = process
        self.directory = directory
        self.send = process.send
        self.wait_for = process.wait_for

    @property
    def output(self) -> str:
        return self.process.output

    @property
    def children(self) -> list[int]:
        return children_of(self.process.popen.pid)

    @property
    def workers(self) -> list[int]:
        """The children, or, of one that has forked others (`--preload`), those."""
        return [worker for child in self.children for worker in children_of(child) or [child]]

    def serving(self, count: int) -> list[int]:
        """The children, once so many have started up since the supervisor began, and somebody listens."""
        self.wait_for("Application startup complete.", count)
        until(self._is_listening)
        return self.children

    def _is_listening(self) -> bool:
        try:
            self.process.connect().close()
        except ConnectionRefusedError:  # the first has said that it has started, and does not listen yet
            return False
        return True

    def answers(self) -> int:
        """The process that answers a request on a new connection."""
        _, body = self.process.get("/")
        return int(body)

    def open(self, path: str) -> socket.socket:
        """A connection with a request whose head has been sent, with a body of one byte to come."""
        sock = self.process.connect()
        sock.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n".encode())
        return sock

    def hold(self, path: str = "/held") -> socket.socket:
        """The same, once the application works on it."""
        before = self.output.count(path[1:] + "\n")
        sock = self.open(path)
        self.wait_for(path[1:] + "\n", before + 1)
        return sock

    def ends(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the status with which it ends, and all its children before it."""
        children = self.children
        self.send(number)
        status = self.process.end()
        assert [child for child in children if is_running(child)] == []
        return status


@contextlib.contextmanager
def supervised(
    directory: Path,
    *words: str,
    app: str = "application:app",
    environment: dict[str, str] | None = None,
    app_dir: Path = HERE,
) -> Iterator[Supervised]:
    """The command on a free port, with these words; neither it nor a child is left at the end."""
    port = () if "--uds" in words or "--fd" in words else ("--port", "0")
    with running(
        directory, "--app-dir", str(app_dir), *port, *words, app=app, environment=environment
    ) as process:
        started = Supervised(process, directory)
        children: list[int] = []
        try:
            yield started
        finally:
            if process.popen.poll() is None:
                children = started.children
                process.popen.kill()
                process.popen.wait()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
