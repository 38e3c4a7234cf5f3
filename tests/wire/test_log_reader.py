"""What if nobody takes the lines of the access log? Serving goes on; what is read later are lines."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from fastserve.core import CORES

from .app import WireApp
from .memory import MemoryServer, MemoryTransport
from .verdict import G

LINE = re.compile(r'INFO:     127\.0\.0\.1:54321 - "GET /[0-9]+x* HTTP/1\.1" 200 OK\n')
WAITING_BYTES_MAX = 1 << 20
"""See docs/limits.md: what is not an option."""


class Pipe:
    """A pipe that takes what it can, which is little."""

    def __init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)
        os.set_blocking(self.write_fd, False)

    def read(self) -> str:
        pieces = []
        try:
            while piece := os.read(self.read_fd, 65536):
                pieces.append(piece)
        except BlockingIOError:
            pass
        return b"".join(pieces).decode()

    def close(self) -> None:
        os.close(self.read_fd)
        os.close(self.write_fd)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def get(number: int, size: int) -> bytes:
    return b"GET /%d%s HTTP/1.1\r\nHost: a\r\n\r\n" % (number, b"x" * size)


def test_lines_are_left_out_whole(http: str, pipe: Pipe) -> None:
    logs = []

    def observers(loop: asyncio.AbstractEventLoop) -> list[Any]:
        logs.append(CORES[http].part("AccessLog")(loop, pipe.write_fd))
        return logs

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        for number in range(300):
            client.feed(get(number, 9000 + number))
            await client.turns()
        assert client.sent.count(b"HTTP/1.1 200 OK\r\n") == 300
        text = ""
        while more := pipe.read():
            text += more
            logs[0].flush()
        lines = text.splitlines(keepends=True)
        assert all(LINE.fullmatch(line) for line in lines)
        assert WAITING_BYTES_MAX < len(text) < 1.2 * WAITING_BYTES_MAX

        client.feed(get(1000, 0))
        await client.turns()
        logs[0].flush()
        assert LINE.fullmatch(pipe.read()), "lines are taken again"

    server = MemoryServer(http, {}, observers)
    server.drive(scenario)
    server.stop()


def test_log_that_fails_is_not_the_concern_of_applications(
    http: str, pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    def call_later(delay: float, callback: Any) -> None:
        raise ZeroDivisionError

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        for number in (1, 2):
            client.feed(G + b"\r\n")
            await client.turns()
            assert client.sent.count(b"HTTP/1.1 200 OK\r\n") == number
        assert [seen.error for seen in app.seen] == ["", ""]

    loop = SimpleNamespace(call_later=call_later)
    server = MemoryServer(http, {}, lambda _: [CORES[http].part("AccessLog")(loop, pipe.write_fd)])
    server.drive(scenario)
    server.stop()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError] * 2
