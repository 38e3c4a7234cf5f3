"""How is the command started, watched and ended?"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).parent
COMMAND = (sys.executable, "-m", "fastserve")
#: Longer where a machine is busy with other things.
TIMEOUT_S = float(os.environ.get("FASTSERVE_TEST_TIMEOUT_S", "60"))

#: Enough of a request with a body of one byte, which `release` sends.
HELD = b"POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"


class Process:
    """A running command and the file that holds what it says on stdout and stderr."""

    def __init__(self, popen: subprocess.Popen[bytes], output: Path) -> None:
        self.popen = popen
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def lines(self) -> list[str]:
        """The output, with the process id and the port as words."""
        text = re.sub(r"process \[\d+\]", "process [PID]", self.output)
        return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text).splitlines()

    def wait_for(self, text: str, times: int = 1) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while self.output.count(text) < times:
            assert self.popen.poll() is None, (
                f"ended with {self.popen.returncode} before {text!r}\n{self.output}"
            )
            assert time.monotonic() < deadline, f"no {text!r} in\n{self.output}"
            time.sleep(0.005)

    @property
    def port(self) -> int:
        self.wait_for("CTRL+C to quit")
        found = re.search(r"running on \S*https?://\S+:(\d+)\b", self.output)
        assert found, self.output
        return int(found[1])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), TIMEOUT_S)

    def get(self, path: str) -> tuple[dict[str, str], str]:
        """The headers and the body of an answer."""
        with self.connect() as sock:
            return get(sock, path)

    def hold(self) -> socket.socket:
        """A connection whose request the application has begun to work on."""
        sock = self.connect()
        before = self.output.count("held")
        sock.sendall(HELD)
        self.wait_for("held", before + 1)
        return sock

    def send(self, number: int) -> None:
        self.popen.send_signal(number)

    def end(self) -> int:
        """Wait for the end; return the status, negative for a signal."""
        try:
            return self.popen.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running\n{self.output}") from None

    def terminate(self) -> int:
        self.send(signal.SIGTERM)
        return self.end()


def get(sock: socket.socket, path: str) -> tuple[dict[str, str], str]:
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    return parsed(rest(sock))


def rest(sock: socket.socket) -> bytes:
    """All that still comes, to the end of the connection."""
    return b"".join(iter(lambda: sock.recv(65536), b""))


def parsed(answer: bytes) -> tuple[dict[str, str], str]:
    head, _, body = answer.decode().partition("\r\n\r\n")
    status, *fields = head.split("\r\n")
    assert status == "HTTP/1.1 200 OK"
    return dict(field.split(": ", 1) for field in fields), body


@contextlib.contextmanager
def running(
    directory: Path,
    *words: str,
    app: str = "application:app",
    command: Sequence[str] = COMMAND,
    environment: dict[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Iterator[Process]:
    """The command with these words, in a directory of its own; killed at the end if it still runs."""
    output = directory / "output.txt"
    with output.open("wb") as file:
        popen = subprocess.Popen(
            [*command, app, "--app-dir", str(HERE), *words],
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
        )
    try:
        yield Process(popen, output)
    finally:
        if popen.poll() is None:
            popen.kill()
        popen.wait()
