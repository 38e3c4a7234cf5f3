"""fastserve/intake.py: when are descriptors counted, and what if listening again fails?"""

from __future__ import annotations

import asyncio
import errno
import gc
import resource
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fastserve import intake
from fastserve.intake import Intake

LIMIT = 1024
RESERVE = 64


class Descriptors:
    """How many there are said to be, and how often somebody asked."""

    def __init__(self) -> None:
        self.open = 24
        self.asked = 0

    def __call__(self, limit: int) -> int:
        assert limit == LIMIT
        self.asked += 1
        return self.open


@pytest.fixture
def descriptors(monkeypatch: pytest.MonkeyPatch) -> Descriptors:
    counted = Descriptors()
    monkeypatch.setattr(intake, "_open_descriptors", counted)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (LIMIT, LIMIT))
    monkeypatch.setattr(intake, "LOOK_INTERVAL_S", 0.001)
    return counted


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


async def opened(sock: socket.socket, servers: list[Any]) -> Intake:
    taking = Intake(asyncio.get_running_loop(), [sock], asyncio.Protocol, 100, servers)
    await taking.open()
    return taking


async def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.001)


def test_with_much_room_it_counts_seldom(descriptors: Descriptors, listening: socket.socket) -> None:
    async def run() -> None:
        taking = await opened(listening, [])
        for _ in range(1 + (LIMIT - RESERVE - descriptors.open) // 2):
            taking._accept()
        assert descriptors.asked == 2
        taking.close()

    asyncio.run(run())


def test_at_the_line_it_stops_and_beyond_it_begins_again(
    descriptors: Descriptors, listening: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        servers: list[Any] = []
        taking = await opened(listening, servers)
        for _ in range(3):
            descriptors.open = LIMIT - RESERVE
            assert isinstance(taking._accept(), asyncio.Protocol), (
                "the one that is accepted already is served"
            )
            await until(lambda: servers == [])
            assert taking.paused
            descriptors.open -= RESERVE // 8
            asked = descriptors.asked
            await until(lambda: descriptors.asked > asked + 2)  # noqa: B023
            assert taking.paused, "not at each connection that goes"
            descriptors.open -= RESERVE // 4
            await until(lambda: not taking.paused)
            assert len(servers) == 1
        taking.close()
        await taking.arrived()
        assert not servers[0].is_serving()

    asyncio.run(run())
    assert len([record for record in caplog.records if "file descriptors" in record.message]) == 1


def test_what_fails_is_tried_again(
    descriptors: Descriptors, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[OSError] = []

    class Sock:
        def dup(self) -> socket.socket:
            if descriptors.asked > 1 and not failures:
                failures.append(OSError(errno.EMFILE, "Too many open files"))
                raise failures[0]
            return listening.dup()

        def listen(self, backlog: int) -> None:
            assert backlog == 100
            listening.listen(backlog)

    async def run() -> None:
        servers: list[Any] = []
        taking = await opened(Sock(), servers)  # type: ignore[arg-type]
        descriptors.open = LIMIT
        taking._accept()
        await until(lambda: servers == [])
        descriptors.open = 24
        await until(lambda: not taking.paused)
        assert failures and len(servers) == 1
        taking.close()

    asyncio.run(run())


def test_where_they_cannot_be_counted_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: str) -> list[str]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("os.listdir", full)
    assert intake._open_descriptors(77) == 77


def test_those_that_are_open_are_counted() -> None:
    gc.collect()  # what earlier tests left behind is not to close between the two counts
    before = intake._open_descriptors(10**6)
    with socket.socket(), socket.socket():
        assert intake._open_descriptors(10**6) == before + 2
