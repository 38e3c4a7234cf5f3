"""Which of several workers takes a connection?

The kernel gives it to whichever worker is awake first, or, with a socket for each, to one by the luck of a
hash; of a burst of connections that stay, one worker may get all. So a worker that accepts more than its
share passes the connection on: its descriptor goes into a stream that all workers have both ends of. Whoever
is below its share takes it from there. What nobody below has taken for a moment, because it is blocked or
stopped, anybody takes, and does not count on that worker until its loop has turned again.

The share is what the board says (`board.py`): the open connections of all that take some, and those in the
stream, by the number of workers. It matters for connections that stay: while many come and go again soon,
which spreads them anyway, none is passed on, as that costs several system calls.
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import socket
import termios
from collections.abc import Callable, Collection
from typing import Any

from fastserve.board import Board, Row
from fastserve.log import logger

__all__ = ["Balance"]

#: How long a connection waits for a worker that is below its share.
PATIENCE_S = 0.1
#: How soon a worker looks again at what is not for itself.
_LOOK_S = 0.003
#: How soon it is looked whether connections that were arriving have arrived.
_SETTLE_S = 0.02
#: Over what time it is judged whether connections stay, and how many may come anyway.
_WINDOW_S = 1.0
_BURST = 64
#: How many descriptors there may be in the stream; the kernel holds them open meanwhile.
_WAITING_MAX = 256


class Balance:
    """A worker's part. `ends` are where descriptors are passed on and taken from; both stay open."""

    def __init__(self, board: Board, slot: int, ends: tuple[socket.socket, socket.socket]) -> None:
        self._board = board
        self._row = board.row(slot)
        self._give, self._take = ends
        for end in ends:
            end.setblocking(False)
        self._fresh = 0  # accepted in this turn of the loop
        self._adopting: set[asyncio.Task[None]] = set()
        self._handshakes: Collection[Any] = ()
        self._settling: asyncio.Handle | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._waited_since_s = 0.0
        self._waited_for: dict[int, int] = {}  # slots below their share, and their turns then
        self._stuck: dict[int, int] = {}  # slots that did not turn in time, and their turns then
        self._window_at_s = 0.0
        self._window_count = 0

    @property
    def tally(self) -> memoryview:
        """Where the number of open connections is to be written whenever it changes."""
        return self._row.open

    def open(
        self, loop: asyncio.AbstractEventLoop, factory: Callable[[], Any], handshakes: Collection[Any]
    ) -> None:
        """Begin to take connections, or go on after `close()`.

        `factory` makes their protocols; `handshakes` are those that are not counted as open yet.
        """
        self._loop = loop
        self._factory = factory
        self._handshakes = handshakes
        self._row.takes = True
        loop.add_reader(self._take, self._offered)

    def close(self) -> None:
        """Take no more; others do."""
        if self._row.takes:
            self._row.takes = False
            self._loop.remove_reader(self._take)
            if self._looking is not None:
                self._looking.cancel()

    async def arrived(self) -> None:
        """Return when what was taken from the stream is open; and what nobody else is there to take."""
        self._take_rest()
        if self._adopting:
            await asyncio.wait(self._adopting)

    def turned(self) -> None:
        """To be called now and then: the event loop turns."""
        self._row.turn()

    def protocol(self) -> Any:
        """Return the protocol of a connection that this process has accepted."""
        self._row.turn()
        if self._row.takes and not self._pass_by() and self._is_above(1):
            return _Gift(self)
        return self.kept()

    def kept(self) -> Any:
        """Return the protocol of one that stays with this process."""
        self._window_count += 1
        self._fresh += 1
        self._arrives()
        return self._factory()

    # ---- the share ----

    def _load(self) -> int:
        return self._row.open[0] + self._arriving()

    def _arriving(self) -> int:
        return self._fresh + len(self._adopting) + len(self._handshakes)

    def _is_above(self, new: int) -> bool:
        """Whether one more is more than this worker's share; `new`: how many that is beside what waits."""
        others = self._others()
        if not others:
            return False
        load = self._load() + 1
        total = load - 1 + new + sum(row.load for row in others) + self._waiting()
        count = len(others) + 1
        return load > -(-total // count) + total // (16 * count)

    def _others(self) -> list[Row]:
        rows = [row for row in self._board.rows() if row is not self._row]
        if self._stuck:
            self._stuck = {row.slot: row.turns for row in rows if self._stuck.get(row.slot) == row.turns}
            rows = [row for row in rows if row.slot not in self._stuck]
        return rows

    def _waiting(self) -> int:
        """How many connections are in the stream: it has a byte for each."""
        count = array.array("i", [0])
        fcntl.ioctl(self._take.fileno(), termios.FIONREAD, count)
        return count[0]

    def _pass_by(self) -> bool:
        """Whether many connections have come of late, and most of them have gone."""
        now_s = self._loop.time()
        if now_s - self._window_at_s >= _WINDOW_S:
            self._window_at_s = now_s
            self._window_count = 0
        return self._window_count > _BURST + 2 * self._load()

    def _arrives(self) -> None:
        """Let the others see what is coming, until it is counted as open."""
        self._row.arriving = self._arriving()
        if self._settling is None:
            # The protocols of this turn are connected in the next one.
            self._settling = self._loop.call_soon(self._settle)

    def _settle(self) -> None:
        self._fresh = 0
        self._row.arriving = left = self._arriving()
        self._settling = self._loop.call_later(_SETTLE_S, self._settle) if left else None

    # ---- the stream ----

    @property
    def passes_on(self) -> bool:
        """Whether this worker is one of those that see to the stream."""
        return self._row.takes

    def give(self, descriptor: int) -> bool:
        """Pass a connection on; return whether that was possible."""
        try:
            if self._waiting() >= _WAITING_MAX:
                return False
            socket.send_fds(self._give, [b"\0"], [descriptor])
        except OSError:  # too many on their way, by the kernel's count
            return False
        return True

    def _offered(self) -> None:
        if not self._is_above(0):
            self._waited_for.clear()
            self._adopt()
            return
        # Not for this one. The stream stays readable, so look away for a moment.
        self._loop.remove_reader(self._take)
        self._looking = self._loop.call_later(_LOOK_S, self._look_again)
        if not self._waited_for:
            load = self._load()
            self._waited_since_s = self._loop.time()
            self._waited_for = {row.slot: row.turns for row in self._others() if row.load < load}

    def _look_again(self) -> None:
        self._loop.add_reader(self._take, self._offered)
        if not self._waiting():
            self._waited_for.clear()
        elif self._loop.time() - self._waited_since_s >= PATIENCE_S:
            for slot, turns in self._waited_for.items():
                if self._board.row(slot).turns == turns:
                    self._stuck[slot] = turns
            self._waited_for.clear()

    def _adopt(self) -> None:
        self._row.turn()
        try:
            _, descriptors, _, _ = socket.recv_fds(self._take, 1, 1)
        except BlockingIOError:  # another worker was faster
            return
        for descriptor in descriptors:
            self._window_count += 1
            self._adopting.add(task := self._loop.create_task(self._connect(descriptor)))
            task.add_done_callback(self._adopted)
            self._arrives()

    def _take_rest(self) -> None:
        """Take all that waits, if this worker, which takes no more, was the last one that took any.

        Of several that leave at a time, each has said so before it looks whether it was the last.
        """
        while not self._row.takes and self._waiting() and not self._others():
            self._adopt()

    def _adopted(self, task: asyncio.Task[None]) -> None:
        self._adopting.discard(task)
        self._row.arriving = self._arriving()

    async def _connect(self, descriptor: int) -> None:
        sock = socket.socket(fileno=descriptor)
        try:
            sock.setblocking(False)
            await self._loop.connect_accepted_socket(self._factory, sock)
        except OSError as error:  # the client has gone
            logger.debug("A connection that was passed on is lost: %s", error)
            sock.close()
        except BaseException:
            sock.close()
            raise


class _Gift(asyncio.Protocol):
    """A connection that this process has accepted and passes on, before it reads anything."""

    def __init__(self, balance: Balance) -> None:
        self._balance = balance

    def connection_made(self, transport: Any) -> None:
        if self._balance.passes_on and self._balance.give(transport.get_extra_info("socket").fileno()):
            transport.abort()  # this process's descriptor; the connection lives on in the other one
            return
        protocol = self._balance.kept()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
