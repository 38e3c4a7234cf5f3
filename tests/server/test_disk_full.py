"""What if nothing can be logged, as the disk is full? Requests are served as before."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .process import COMMAND, TIMEOUT_S, Process, running

CASES = pytest.mark.parametrize
pytestmark = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")

REQUESTS = 300
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
REFUSED = b"\0\r\n\r\n"
FAILING = b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"  # the application raises KeyError: a traceback


def redirected(where: str) -> tuple[str, ...]:
    return ("sh", "-c", f'exec "$@" {where}', "sh", *COMMAND)


@contextlib.contextmanager
def serving(directory: Path, where: str, *words: str) -> Iterator[tuple[Process, str]]:
    """A server on a UNIX socket, which needs no line in a log to be found."""
    path = str(directory / "socket")
    with running(directory, "--uds", path, *words, command=redirected(where)) as process:
        deadline_s = time.monotonic() + TIMEOUT_S
        while not can_connect(path):
            assert process.popen.poll() is None, process.output
            assert time.monotonic() < deadline_s
            time.sleep(0.01)
        yield process, path
        assert process.terminate() in (0, -15), process.output


def can_connect(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(path) == 0


def ask(path: str, data: bytes, times: int = 1) -> bytes:
    """The beginning of the last answer."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(TIMEOUT_S)
        sock.connect(path)
        received = b""
        for _ in range(times):
            sock.sendall(data)
            received = sock.recv(65536)
        return received[:15]


@CASES("loop", ["uvloop", "asyncio"])
@CASES(
    ("where", "words"),
    [
        (">/dev/full", ()),
        (">/dev/full 2>/dev/full", ()),
        ("", ("--access-log-file", "/dev/full")),
        ("", ("--access-log-file", "/dev/full", "--error-log-file", "/dev/full")),
        (">/dev/full 2>/dev/full", ("--log-level", "debug")),
    ],
    ids=["stdout", "both", "file", "files", "debug"],
)
def test_requests_are_served(tmp_path: Path, where: str, words: tuple[str, ...], loop: str) -> None:
    with serving(tmp_path, where, "--loop", loop, *words) as (_, path):
        assert ask(path, GET, REQUESTS) == b"HTTP/1.1 200 OK"
        for _ in range(20):
            assert ask(path, REFUSED) == b"HTTP/1.1 400 Ba"
            assert ask(path, FAILING) == b"HTTP/1.1 500 In"
        time.sleep(0.15)  # lines are written by then
        assert ask(path, GET, REQUESTS) == b"HTTP/1.1 200 OK"
