"""What does a connection hold in memory that stays and does nothing?"""

from __future__ import annotations

import abc
import contextlib
import socket
from dataclasses import dataclass

from bench.descriptors import allow_connections
from bench.serving import serving
from bench.workload import Entry, Sample, Setting, Workload
from fastserve.measure import kernel
from fastserve.measure.process import Running
from fastserve.measure.spread import Void

FILLING = 4
"""One of so many connections are held before the others are counted."""


@dataclass(frozen=True, kw_only=True)
class HeldWorkload(Workload):
    """The growth of the server's private memory over `held` connections, in KB of 1,000 bytes each.

    Others are held before: they fill what the server's start has left free, which differs from server to
    server and from environment to environment. The kernel's own memory for a socket is not in it; it is the
    same for every server.
    """

    @abc.abstractmethod
    def open(self, client: socket.socket) -> None:
        """What a new connection does before it is held; raises `Void` where the server does not join in."""

    @abc.abstractmethod
    def warm_up(self, server: Running) -> None:
        """Let the server allocate what it allocates once."""

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Open the connections one after the other, and hold them."""
        first = setting.held // FILLING
        allow_connections(first + setting.held)
        with serving(setting, entry, floor="hello") as server, contextlib.ExitStack() as connections:
            self.warm_up(server)
            held: list[socket.socket] = []
            before = 0
            for number in range(first + setting.held):
                if number == first:
                    before = kernel.private_memory(server.pid)
                client = connections.enter_context(server.connect())
                self.open(client)
                held.append(client)
            after = kernel.private_memory(server.pid)
            check_open(held)
            server.check_alive()
        return Sample((after - before) / setting.held / 1000, {"server_kb": after / 1000})


def check_open(held: list[socket.socket]) -> None:
    """Raise `Void` if the server has closed one, or has sent more than its answer."""
    for client in held:
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            said = client.recv(1)
            raise Void(f"an idle connection got {said!r}" if said else "the server closed an idle connection")
