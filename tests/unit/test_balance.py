"""fastserve/board.py and fastserve/balance.py: who takes a connection, and what if a worker does not answer?

Two workers' parts, in one process and one loop; the kernel gives every connection to the first.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
import time
from collections.abc import AsyncIterator, Callable

import pytest

from fastserve import balance
from fastserve.balance import Balance
from fastserve.board import Board
from fastserve.intake import Intake


async def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.001)


class Worker(asyncio.Protocol):
    """One that counts, and answers with its name."""

    def __init__(self, name: bytes, board: Board, ends: tuple[socket.socket, socket.socket]) -> None:
        self.name = name
        self.transports: set[asyncio.Transport] = set()
        self.balance = Balance(board, board.taken(name[0] - ord("a")).slot, ends)

    def protocol(self) -> asyncio.Protocol:
        worker = self

        class Counted(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                assert isinstance(transport, asyncio.Transport)
                self.transport = transport
                worker.transports.add(transport)
                worker.balance.tally[0] = len(worker.transports)

            def data_received(self, data: bytes) -> None:
                self.transport.write(worker.name)

            def connection_lost(self, exc: Exception | None) -> None:
                worker.transports.discard(self.transport)
                worker.balance.tally[0] = len(worker.transports)

        return Counted()


class House:
    """Two workers, of whom the first one accepts, and clients."""

    def __init__(self) -> None:
        self.board = Board()
        self.ends = socket.socketpair()
        self.first = Worker(b"a", self.board, self.ends)
        self.second = Worker(b"b", self.board, self.ends)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.clients: list[socket.socket] = []

    def connect(self, count: int = 1) -> None:
        for _ in range(count):
            client = socket.create_connection(self.listening.getsockname())
            client.setblocking(False)
            self.clients.append(client)

    async def who_answers(self, client: socket.socket) -> bytes:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, b"who?")
        return await asyncio.wait_for(loop.sock_recv(client, 10), 5)

    @property
    def waiting(self) -> int:
        """How many connections are in the stream."""
        return self.first.balance._waiting()

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.first.transports), len(self.second.transports)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        first = self.intake = Intake(loop, [self.listening], self.first.protocol, 100, [], self.first.balance)
        await first.open()
        try:
            yield
        finally:
            first.close()
            self.second.balance.close()
            self.board.row(2).clear()
            await first.arrived()
            for transport in self.first.transports | self.second.transports:
                transport.abort()
            for sock in (*self.clients, *self.ends, self.listening):
                sock.close()
            await asyncio.sleep(0)
            os.close(self.board.fileno())


def with_house(test: Callable[[House], object]) -> Callable[[], None]:
    """A test in a loop, with the two workers."""

    async def main() -> None:
        house = House()
        async with house.open():
            await test(house)  # type: ignore[misc]

    def run() -> None:
        asyncio.run(main())

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


@with_house
async def test_one_alone_takes_all(house: House) -> None:
    house.connect(5)
    await until(lambda: house.counts == (5, 0))


@with_house
async def test_what_is_above_the_share_is_passed_on(house: House) -> None:
    """And whoever gets it has it whole: what the client has sent meanwhile is there."""
    house.second.balance.open(asyncio.get_running_loop(), house.second.protocol, ())
    house.connect(20)
    answers = [await house.who_answers(client) for client in house.clients]
    assert 8 <= answers.count(b"b") <= 12
    assert house.counts == (answers.count(b"a"), answers.count(b"b"))


@with_house
async def test_a_share_is_of_those_who_take_connections(house: House) -> None:
    house.second.balance.open(asyncio.get_running_loop(), house.second.protocol, ())
    house.second.balance.close()
    house.connect(6)
    await until(lambda: house.counts == (6, 0))


@with_house
async def test_nobody_waits_for_one_that_is_blocked(house: House) -> None:
    """What it does not take in time is taken by another, and so is, at once, all that comes after that."""
    blocked = house.board.taken(2)
    blocked.takes = True  # it would take connections, but does not turn
    house.connect(4)
    await until(lambda: house.counts == (4, 0))
    begun_s = time.monotonic()
    house.connect(20)
    await until(lambda: house.counts == (24, 0))
    assert time.monotonic() - begun_s < 20 * balance.PATIENCE_S / 2
    blocked.turn()
    house.connect()
    await asyncio.sleep(0.02)
    assert house.counts == (24, 0)  # it is back, as far as one can see
    blocked.takes = False
    await until(lambda: house.counts == (25, 0))


@with_house
async def test_what_cannot_be_passed_on_is_kept(house: House) -> None:
    house.board.taken(2).takes = True
    with contextlib.suppress(BlockingIOError):
        while True:
            house.ends[0].send(b"\0" * 4096)
    house.connect(6)
    await until(lambda: house.counts == (6, 0))


@with_house
async def test_connections_that_come_and_go_are_not_passed_on(house: House) -> None:
    house.board.taken(2).takes = True  # and takes nothing: what is passed on waits
    ghost = house.board.row(2)
    for _ in range(100):
        house.connect()
        ghost.turn()  # it is not blocked
        assert await house.who_answers(house.clients[-1]) == b"a"
        house.clients.pop().close()
        await until(lambda: house.counts == (0, 0))
    house.connect(4)
    await until(lambda: house.counts == (4, 0))


@with_house
async def test_the_last_one_to_leave_takes_what_waits(house: House) -> None:
    """The stream ends with the workers, and what is in it would be lost."""
    other = house.board.taken(2)
    other.takes = True
    house.connect(4)
    await until(lambda: len(house.first.transports) + house.waiting == 4 and house.waiting > 0)
    house.intake.close()
    await house.intake.arrived()
    assert house.waiting > 0  # the other one sees to it
    other.takes = False
    await house.intake.arrived()
    assert house.counts == (4, 0)


@with_house
async def test_who_leaves_passes_nothing_on(house: House) -> None:
    """Not even what it had accepted for others: they may have left meanwhile."""
    other = house.board.taken(2)
    other.takes = True
    house.intake.close()
    here, there = socket.socketpair()
    house.clients.append(there)
    here.setblocking(False)
    gift = functools.partial(balance._Gift, house.first.balance)
    await asyncio.get_running_loop().connect_accepted_socket(gift, here)
    assert (house.counts, house.waiting) == ((1, 0), 0)


@with_house
async def test_what_is_accepted_when_it_closes_is_served(house: House) -> None:
    """asyncio accepts in one turn, and makes the protocol in the next."""
    house.connect()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    house.intake.close()
    await house.intake.arrived()
    assert await house.who_answers(house.clients[0]) == b"a"


def test_a_board_is_the_same_for_all() -> None:
    board = Board()
    other = Board(os.dup(board.fileno()))
    row = other.row(70)
    row.takes = True
    assert board.rows() == []  # nobody has the slot
    assert board.taken(70).takes is False
    row.takes = True
    row.open[0], row.arriving = 5, 2
    assert [(seen.slot, seen.load) for seen in board.rows()] == [(70, 7)]
    before = row.turns
    row.turn()
    assert board.row(70).turns != before
    board.row(70).clear()
    assert (other.rows(), row.load) == ([], 0)
    os.close(board.fileno())
    os.close(other.fileno())


@pytest.mark.parametrize("memory", ["memfd", "a file"])
def test_a_board_needs_no_name(monkeypatch: pytest.MonkeyPatch, memory: str) -> None:
    if memory == "a file":
        monkeypatch.delattr(os, "memfd_create", raising=False)
    board = Board()
    board.taken(0).takes = True
    assert [row.slot for row in board.rows()] == [0]
    os.close(board.fileno())
