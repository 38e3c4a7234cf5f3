"""When does a process take no more connections?

A connection takes a descriptor, and a process may have only so many. When there is none left, uvloop accepts
a connection only to close it, asyncio fills the log, and the application can open no file. So an `Intake`
stops listening while a few are still free, says so once, and begins again when connections have gone. Those
who come meanwhile wait in the kernel's queue, or find another process that listens on the same socket.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
import sys
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from fastserve.log import logger

if TYPE_CHECKING:
    from fastserve.balance import Balance

__all__ = ["Intake"]

#: How soon it is looked whether there are descriptors again, and how often the log may tell of it.
LOOK_INTERVAL_S = 0.25
TELL_INTERVAL_S = 60.0
#: asyncio accepts so many connections, if there are, before it looks at others. It takes the number from the
#: socket's backlog, which is set to what the user wants afterwards.
ACCEPTED_IN_A_ROW = 8


class Intake:
    """Listens on sockets, which stay the caller's, while the process has descriptors to spare.

    `factory` makes the protocol of an accepted connection. `servers` gets the event loop's listening servers,
    one for each of `sockets`. `balance` shares the connections with other processes, of which `handshakes`
    are not counted as open yet.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sockets: Sequence[socket.socket],
        factory: Callable[[], Any],
        backlog: int,
        servers: list[asyncio.AbstractServer],
        balance: Balance | None = None,
        handshakes: Collection[Any] = (),
    ) -> None:
        self._loop = loop
        self._sockets = sockets
        self._factory = factory
        self._backlog = backlog
        self._servers = servers
        self._balance = balance
        self._handshakes = handshakes
        self._listening: list[socket.socket] = []
        self._room = 1  # connections that may be accepted before descriptors are counted
        self._paused = False
        #: How often it has stopped to listen for want of descriptors.
        self.pauses = 0
        self._closed = False
        self._told_at_s = -TELL_INTERVAL_S
        self._timer: asyncio.TimerHandle | None = None
        self._resuming: asyncio.Task[None] | None = None

    @property
    def paused(self) -> bool:
        return self._paused

    async def open(self) -> None:
        """Listen. Raises OSError."""
        for sock in self._sockets:
            # The loop's server closes the socket that it gets; the kernel keeps the queue for the other one.
            own = sock.dup()
            try:
                server = await self._loop.create_server(self._accept, sock=own, backlog=ACCEPTED_IN_A_ROW)
            except BaseException:
                own.close()
                raise
            sock.listen(self._backlog)
            self._servers.append(server)
            self._listening.append(own)
        if self._balance is not None:
            self._balance.open(self._loop, self._protocol, self._handshakes)

    def change(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on these from now on; at once, or when there are descriptors again."""
        self._sockets = sockets
        if not self._paused:
            self._paused = True
            self._stop_accepting(0.0)

    def close(self) -> None:
        """Listen no more."""
        self._closed = True
        if self._balance is not None:
            self._balance.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._resuming is not None:
            self._resuming.cancel()
        self._let_queues_be()
        if not self._is_asyncio:
            self._close_servers()

    async def arrived(self) -> None:
        """Return when what was accepted before `close()` is open, by this process or from others."""
        if self._is_asyncio:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self._close_servers()
        if self._balance is not None:
            await self._balance.arrived()

    def _accept(self) -> Any:
        return self._protocol() if self._balance is None else self._balance.protocol()

    def _protocol(self) -> Any:
        self._room -= 1
        if self._room <= 0 and not self._paused:
            self._count()
        return self._factory()

    def _count(self) -> None:
        """Count what is open: seldom where there is much room, as counting takes time."""
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limit == resource.RLIM_INFINITY:
            self._room = sys.maxsize
            return
        spare = limit - _open_descriptors(limit) - _reserve(limit)
        self._room = spare // 2  # the application opens some too
        if spare <= 0:
            self._paused = True
            self.pauses += 1
            self._tell(limit)
            self._stop_accepting(LOOK_INTERVAL_S)

    def _tell(self, limit: int) -> None:
        now_s = self._loop.time()
        if now_s - self._told_at_s >= TELL_INTERVAL_S:
            self._told_at_s = now_s
            logger.warning(
                "No connections are accepted while the process has less than %d of %d file descriptors "
                "to spare (its limit: ulimit -n, or LimitNOFILE of systemd)",
                _reserve(limit),
                limit,
            )

    def _stop_accepting(self, for_s: float) -> None:
        """Take no more for so long, but let the loop finish the connections that it is working on.

        asyncio accepts in one turn and makes protocols in the next; one whose server is closed in between it
        would forget, with its descriptor.
        """
        if self._balance is not None:
            self._balance.close()
        self._let_queues_be()
        self._loop.call_soon(self._loop.call_soon, self._pause, for_s)

    @property
    def _is_asyncio(self) -> bool:
        return isinstance(self._loop, asyncio.BaseEventLoop)

    def _let_queues_be(self) -> None:
        """Accept no more, but keep the servers (see `_stop_accepting`). uvloop accepts nothing by halves."""
        if self._is_asyncio:
            for sock in self._listening:
                self._loop.remove_reader(sock)

    def _pause(self, for_s: float) -> None:
        if not self._closed:
            self._close_servers()
            self._servers.clear()
            self._timer = self._loop.call_later(for_s, self._look)

    def _close_servers(self) -> None:
        for server in self._servers:
            server.close()
        self._listening.clear()

    def _look(self) -> None:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        # A few more than the line at which it stops, so that not every connection that goes lets one in.
        if limit - _open_descriptors(limit) > _reserve(limit) * 5 // 4:
            self._resuming = asyncio.ensure_future(self._resume())
        else:
            self._timer = self._loop.call_later(LOOK_INTERVAL_S, self._look)

    async def _resume(self) -> None:
        try:
            await self.open()
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                logger.error("Cannot listen again: %s", error)
            self._pause(LOOK_INTERVAL_S)
        else:
            self._room = 1
            self._paused = False


def _reserve(limit: int) -> int:
    """How many descriptors are not for connections: the application's, and those of asyncio's next row."""
    return min(64, max(2 * ACCEPTED_IN_A_ROW, limit // 16))


def _open_descriptors(limit: int) -> int:
    """How many this process has. Where not even that can be told for want of one, all."""
    for directory in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(directory)) - 1  # the one that lists them
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                return limit
    return 0
