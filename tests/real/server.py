"""How is an example started, and did it stop as it should?"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0
POLL_S = 0.02
SHOWN_CHARACTERS = 6000

# After a graceful stop the signal is raised again under its default handler, so that whoever sent it, be it a
# shell or a supervisor, sees the process end by that signal.
STATUS_AFTER_SIGTERM = -signal.SIGTERM

_LISTENING = re.compile(r"running on http://[^:\s]+:(\d+)")


def server_command() -> list[str]:
    """The server's command line without its arguments."""
    given = os.environ.get("FASTSERVE_TEST_SERVER_CMD")
    return shlex.split(given) if given else [sys.executable, "-m", "fastserve"]


@dataclass(frozen=True)
class Example:
    """An application in examples/: `app` as `module:attribute`, found in `directory`."""

    directory: str
    app: str = "main:app"
    environment: Mapping[str, str] = field(default_factory=dict)


class Server:
    """A server process, and the file that holds what it printed on stdout and stderr."""

    def __init__(self, command: list[str], process: subprocess.Popen[bytes], output_path: Path) -> None:
        self.command = command
        self.process = process
        self.output_path = output_path
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        return self.output_path.read_text(encoding="utf-8", errors="replace")

    def shown(self) -> str:
        """The end of the output, for the report of a failed test."""
        return f"$ {shlex.join(self.command)}\n{self.output()[-SHOWN_CHARACTERS:]}"

    def wait_until_listening(self) -> None:
        """Wait for the line that names the address, and learn the port from it.

        Raises:
            AssertionError: the process ended, or START_TIMEOUT_S passed.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (found := _LISTENING.search(self.output())):
            status = self.process.poll()
            assert status is None, f"ended with status {status} before it listened\n{self.shown()}"
            assert time.monotonic() < deadline, f"not listening after {START_TIMEOUT_S} s\n{self.shown()}"
            time.sleep(POLL_S)
        self.port = int(found[1])

    def terminate(self) -> None:
        """Ask for a graceful stop, and do not wait for it."""
        self.process.send_signal(signal.SIGTERM)

    def check_stopped(self, *, excused: str | None = None) -> None:
        """Wait for the end of the process after `terminate`, and check that it was an orderly one.

        A line of the output in which the pattern `excused` is found is no trouble: the test asked for it.

        Raises:
            AssertionError: it took longer than STOP_TIMEOUT_S, or the status is wrong, or the server reported
                something that is no part of an orderly life.
        """
        try:
            status = self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running {STOP_TIMEOUT_S} s after SIGTERM\n{self.shown()}") from None
        output = self.output()
        assert status == STATUS_AFTER_SIGTERM, f"ended with status {status}\n{self.shown()}"
        assert "Finished server process" in output, f"the end was not announced\n{self.shown()}"
        judged = [line for line in output.splitlines() if not (excused and re.search(excused, line))]
        for trouble in ("Traceback", "ERROR", "never awaited", "ResourceWarning"):
            assert not any(trouble in line for line in judged), f"{trouble} in the output\n{self.shown()}"

    def stop(self) -> None:
        """Stop gracefully, with all the checks; nothing if the test has stopped the server before."""
        if self.process.poll() is None:
            self.terminate()
        self.check_stopped()

    def kill(self) -> None:
        """Leave no process behind, whatever happened."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def running(example: Example, directory: Path, *options: str) -> Iterator[Server]:
    """The example on a free port of 127.0.0.1, listening. It works in `directory`, where its output goes."""
    output_path = directory / "output.txt"
    command = [
        *server_command(),
        *(example.app, "--app-dir", str(EXAMPLES / example.directory)),
        *("--host", "127.0.0.1", "--port", "0"),
        *options,
    ]
    with output_path.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **example.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(command, process, output_path)
    try:
        server.wait_until_listening()
        yield server
    finally:
        server.kill()
