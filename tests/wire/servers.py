"""Which servers run?

One subprocess for each set of options, started when a test first asks for it and reused to the end of the
session. The wire application's control paths (app.py) tell what reached it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fastserve.core import CORES, find
from fastserve.errors import StartupError

from .client import Client, Response
from .seen import Seen


def _is_there(http: str) -> bool:
    try:
        find(http)
    except StartupError:
        return False
    return True


HTTP_IMPLEMENTATIONS = [http for http in CORES if _is_there(http)]
"""The values of `--http` that the suite runs against: all that this installation has, the fastest first."""

Option = str | int | float

PROFILES: dict[str, dict[str, Option]] = {
    "plain": {},
    "asyncio": {"loop": "asyncio"},
    "quiet": {"timeout-keep-alive": 600, "no-access-log": ""},
    "phases": {"timeout-keep-alive": 600, "no-access-log": "", "half-close-timeout-s": 0.3},
    "phases asyncio": {
        "timeout-keep-alive": 600,
        "no-access-log": "",
        "half-close-timeout-s": 0.3,
        "loop": "asyncio",
    },
    "limits": {
        "request-line-bytes-max": 128,
        "header-bytes-max": 512,
        "header-count-max": 10,
        "body-bytes-max": 1000,
        "discard-bytes-max": 500,
        "chunk-extension-bytes-max": 32,
        "pipelined-requests-max": 2,
    },
    "buffers": {"write-buffer-bytes-max": 1000, "read-buffer-bytes-max": 1000},
    "strangers": {"forwarded-allow-ips": "192.0.2.1,10.0.0.0/8,unix:"},
    "stripped": {"forwarded-allow-ips": "192.0.2.1", "strip-untrusted-forwarded": ""},
    "every forwarded header": {
        "forwarded-headers": "x-forwarded-for,x-forwarded-proto,x-forwarded-host,x-forwarded-port,forwarded",
        "forwarded-allow-ips": "127.0.0.1,10.0.0.0/8",
    },
    "deadlines": {
        "timeout-keep-alive": 0.4,
        "head-timeout-s": 0.4,
        "body-timeout-s": 0.4,
        "body-rate-min-bytes-s": 1000,
        "write-timeout-s": 0.4,
        "half-close-timeout-s": 0.4,
        "linger-timeout-s": 0.4,
    },
}
"""Sets of options by name, as the command line spells them; an option without a value has an empty one."""

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0

_PACKAGE = __package__ or "wire"
APP = f"{_PACKAGE}.app:app"
APP_DIR = Path(__file__).resolve().parents[_PACKAGE.count(".") + 1]
_RUNNING = re.compile(r"running on https?://[^:\s]+:([0-9]+)")


def command(http: str, options: Mapping[str, Option], app: str = APP) -> list[str]:
    """The command line that starts a server of this implementation on a free port."""
    arguments = [f"--{name}={value}" if value != "" else f"--{name}" for name, value in options.items()]
    return [
        sys.executable, "-m", "fastserve", app, "--app-dir", str(APP_DIR),
        "--host", "127.0.0.1", "--port", "0", "--http", http, *arguments,
    ]  # fmt: skip


class Server:
    """A server process with the wire application. Its output goes to files: no full pipe can stop it."""

    def __init__(self, http: str, options: Mapping[str, Option], app: str = APP) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="fastserve-wire-")
        directory = Path(self._directory.name)
        self._stdout = directory / "stdout"
        self._stderr = directory / "stderr"
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            # Not the checkout's root: there the source tree would hide an installed fastserve.
            self.process = subprocess.Popen(
                command(http, options, app), stdout=stdout, stderr=stderr, stdin=subprocess.PIPE,
                cwd=directory, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        self.pid = self.process.pid
        try:
            self.port = self._await_port()
        except BaseException:
            self.stop()
            raise

    def _await_port(self) -> int:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s:
            match = _RUNNING.search(self.stderr())
            if match:
                return int(match[1])
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise RuntimeError(f"the server did not start (exit code {self.process.poll()}):\n{self.stderr()}")

    def stdout(self) -> str:
        return self._stdout.read_text(errors="surrogateescape")

    def stderr(self, since: int = 0) -> str:
        """What the server wrote to stderr, from this byte on."""
        with self._stderr.open("rb") as file:
            file.seek(since)
            return file.read().decode(errors="surrogateescape")

    def lines_with(self, text: str) -> list[str]:
        """The lines on stderr that have this text in them."""
        return [line for line in self.stderr().splitlines() if text in line]

    def stderr_size(self) -> int:
        return self._stderr.stat().st_size

    def await_output(self, pattern: str, timeout_s: float = 3.0) -> str:
        """Wait until this pattern matches in stdout or stderr; return both. Raises AssertionError."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            text = self.stdout() + self.stderr()
            if re.search(pattern, text):
                return text
            if time.monotonic() > deadline_s:
                raise AssertionError(f"no line matches {pattern!r} in:\n{text[-3000:]}")
            time.sleep(0.01)

    def connect(self, **options: float) -> Client:
        return Client(self.port, **options)  # type: ignore[arg-type]

    def control(self, path: str) -> Response:
        """Ask one of the control paths of app.py, on a connection of its own."""
        with self.connect(timeout_s=10.0) as client:
            return client.ask(
                f"GET /__{path} HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n".encode()
            )

    def seen(self) -> list[Seen]:
        """The requests that the application has seen since the last call, once they have ended."""
        return [Seen(**record) for record in self.control("seen").json()]

    def peek(self) -> list[Seen]:
        """The requests on record, as they stand now."""
        return [Seen(**record) for record in self.control("peek").json()]

    def await_seen(self, condition: Callable[[Seen], bool], timeout_s: float = 3.0) -> Seen:
        """Wait until a request on record meets this condition. Raises AssertionError if none does."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            records = self.peek()
            for record in records:
                if condition(record):
                    return record
            if time.monotonic() > deadline_s:
                raise AssertionError(f"no such request on record: {records}")
            time.sleep(0.01)

    def open_gate(self, gate: str) -> None:
        self.control(f"open/{gate}")

    def objects(self) -> dict[str, int]:
        """Live objects of the server's process, by class."""
        counts: dict[str, int] = self.control("objects").json()
        return counts

    def live(self) -> dict[str, int]:
        """Tasks of its event loop and, in a debug build, connections, sinks and cycles; this call's too."""
        counts: dict[str, int] = self.control("live").json()
        return counts

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def holds(self, client: Client) -> bool:
        """Whether the server's process still has its end of this connection open."""
        ends = f":{self.port:04X}", f":{client.port:04X}"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(ends[0]) and fields[2].endswith(ends[1]):
                return fields[9] != "0"  # an inode: some process has a descriptor for it
        return False

    def rss_bytes(self) -> int:
        """Resident memory now."""
        text = Path(f"/proc/{self.pid}/statm").read_text()
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_s(self) -> float:
        """Processor time used so far, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        return self.process.wait(timeout_s)

    def stop(self) -> None:
        """End the process, by force if need be, and forget its output."""
        if self.process.poll() is None:
            self.terminate()
            try:
                self.wait()
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()
        self._directory.cleanup()


class Pool:
    """The session's servers."""

    def __init__(self) -> None:
        self._servers: dict[tuple[str, str], Server] = {}

    def get(self, http: str, profile: str = "plain") -> Server:
        """The server of this implementation with this set of options, started now if it does not run."""
        server = self._servers.get((http, profile))
        if server is None or server.process.poll() is not None:
            server = self._servers[http, profile] = Server(http, PROFILES[profile])
        return server

    def stop(self) -> None:
        for server in self._servers.values():
            server.stop()
