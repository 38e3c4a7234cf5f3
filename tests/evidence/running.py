"""How is a server run for one observation, and what has it printed once names and numbers are words?"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
NAMES = ("uvicorn", "fastserve")
TIMEOUT_S = 60.0

#: Lines of a traceback, which show the insides of each server.
_FRAMES = re.compile(r"^(?:Traceback .*|  .*|)$")


class Server:
    """One server while it runs; it listens on `port` of `host`, or on `app.sock` in `directory`."""

    def __init__(
        self, popen: subprocess.Popen[bytes], directory: Path, host: str, port: int, fd: int | None
    ) -> None:
        self.popen = popen
        self.fd = fd
        self.directory = directory
        self.host = host
        self.port = port
        self.path = directory / "app.sock"

    def connect(self) -> socket.socket:
        if self.path.exists():
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(TIMEOUT_S)
            sock.connect(str(self.path))
            return sock
        return socket.create_connection((self.host, self.port), TIMEOUT_S)

    def await_listening(self) -> bool:
        """Whether it has begun to listen; not, if it has ended instead."""
        deadline = time.monotonic() + TIMEOUT_S
        while self.popen.poll() is None:
            with contextlib.suppress(OSError), self.connect() as sock:
                sock.shutdown(socket.SHUT_WR)
                rest(sock)  # to the end: this connection is none that counts
                return True
            assert time.monotonic() < deadline, self.printed("stderr")
            time.sleep(0.01)
        return False

    def printed(self, stream: str) -> str:
        return (self.directory / stream).read_text()

    def wait_for(self, text: str, times: int = 1) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while self.printed("stderr").count(text) < times:
            assert time.monotonic() < deadline, f"no {text!r} in {self.printed('stderr')}"
            time.sleep(0.01)

    def end(self, number: int = signal.SIGTERM) -> str:
        """Send a signal, unless it has ended by itself; how it ended, in words."""
        if self.popen.poll() is None:
            self.popen.send_signal(number)
        return self.ended()

    def ended(self) -> str:
        status = self.popen.wait(TIMEOUT_S)
        return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit {status}"

    def lines(self, stream: str) -> list[str]:
        """What it printed, with its name and all numbers as words, without tracebacks."""
        text = self.printed(stream).replace(str(self.directory), "DIR")
        text = re.sub("|".join(NAMES), "NAME", text, flags=re.IGNORECASE)
        text = re.sub(r"(process \[(?:\x1b\[\d+m)?)\d+", r"\1PID", text)
        text = re.sub(r"(127\.0\.0\.1|0\.0\.0\.0|localhost|\[?::1\]?):\d+", r"\1:PORT", text)
        text = re.sub(r"\('127\.0\.0\.1', \d+\)", "('127.0.0.1', PORT)", text)
        return [line for line in text.splitlines() if not _FRAMES.match(line)]


@contextlib.contextmanager
def running(
    name: str,
    directory: Path,
    words: Sequence[str],
    environment: Mapping[str, str],
    host: str,
    fd: int | None,
) -> Iterator[Server]:
    """A server by its name, started in a directory of its own; gone at the end.

    In the words, `{port}` is a free port, `{taken}` one on which somebody listens, `{dir}` the directory and
    `{fd}` the descriptor that it inherits.
    """
    with socket.create_server(("127.0.0.1", 0)) as other, socket.socket() as free:
        taken = other.getsockname()[1]
        # Bound meanwhile: the port is given to nobody else, and a server may still listen there.
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        if fd is not None:
            with contextlib.suppress(TypeError), socket.socket(fileno=os.dup(fd)) as inherited:
                port = inherited.getsockname()[1] if inherited.family == socket.AF_INET else port
        filled = [word.format(port=port, taken=taken, dir=directory, fd=fd) for word in words]
        shell = {k: v for k, v in os.environ.items() if not k.startswith(("UVICORN_", "FASTSERVE_"))}
        path = os.pathsep.join(filter(None, (str(HERE), shell.get("PYTHONPATH"))))
        with (directory / "stdout").open("wb") as stdout, (directory / "stderr").open("wb") as stderr:
            popen = subprocess.Popen(
                [sys.executable, "-m", name, *filled],
                cwd=directory,
                env={**shell, "PYTHONPATH": path, **environment},
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                pass_fds=() if fd is None else (fd,),
                start_new_session=True,
            )
        try:
            yield Server(popen, directory, host, port, fd)
        finally:
            # With the processes that it started, should it not have ended them.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()
            if fd is not None:
                os.close(fd)


def ask(server: Server, path: str = "/", *fields: str, shows: Sequence[str] = ()) -> str:
    """One request on a connection of its own: the status, these fields of the answer, the body."""
    with server.connect() as sock:
        return exchange(sock, path, *fields, shows=shows)


def exchange(sock: socket.socket, path: str = "/", *fields: str, shows: Sequence[str] = ()) -> str:
    """The same on a connection that is open already, to its end."""
    head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", "Connection: close", *fields])
    sock.sendall(head.encode() + b"\r\n\r\n")
    return told(rest(sock), shows)


def rest(sock: socket.socket) -> bytes:
    data = b""
    with contextlib.suppress(ConnectionError):
        while part := sock.recv(65536):
            data += part
    return data


def told(answer: bytes, shows: Sequence[str] = ()) -> str:
    """An answer as a client understands it, in one line."""
    head, _, body = answer.decode().partition("\r\n\r\n")
    if not head:
        return "no answer"
    status, *lines = head.split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "date" in fields:
        fields["date"] = "now"
    named = [f"{name}: {fields[name]}" if name in fields else f"no {name}" for name in shows]
    words = [status.partition(" ")[2], *named, body]
    return re.sub("|".join(NAMES), "NAME", ", ".join(word for word in words if word), flags=re.IGNORECASE)
