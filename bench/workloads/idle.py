"""Connections that made one request and stay: the memory that each one holds."""

import contextlib
import socket
from dataclasses import dataclass

from bench.apps.plain_asgi import HELLO
from bench.descriptors import allow_connections
from bench.serving import serving
from bench.workload import MEMORY_PER_CONNECTION, Comparison, Entry, Group, Sample, Setting, Workload
from fastserve.measure import kernel, probe
from fastserve.measure.process import Running
from fastserve.measure.spread import Void

EXCHANGE = probe.Exchange(answer=HELLO)
WARM_UP_REQUESTS = 200


@dataclass(frozen=True, kw_only=True)
class IdleWorkload(Workload):
    """The growth of the server's private memory over `held` connections, in KB of 1,000 bytes each.

    The kernel's own memory for a socket is not in it; it is the same for every server.
    """

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Open the connections one after the other, each with one request, and hold them."""
        allow_connections(setting.held)
        with serving(setting, entry, floor="hello") as server, contextlib.ExitStack() as connections:
            warm_up(server)
            before = kernel.private_memory(server.pid)
            held = []
            for _ in range(setting.held):
                client = connections.enter_context(server.connect())
                probe.check(client, EXCHANGE)
                held.append(client)
            after = kernel.private_memory(server.pid)
            check_open(held)
            server.check_alive()
        return Sample((after - before) / setting.held / 1000, {"server_kb": after / 1000})


def warm_up(server: Running) -> None:
    """Let the server allocate what it allocates once, on a single connection."""
    with server.connect_first() as client:
        for _ in range(WARM_UP_REQUESTS):
            probe.check(client, EXCHANGE)


def check_open(held: list[socket.socket]) -> None:
    """Raise `Void` if the server has closed one, or has sent more than its answer."""
    for client in held:
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            said = client.recv(1)
            raise Void(f"an idle connection got {said!r}" if said else "the server closed an idle connection")


WORKLOAD = IdleWorkload(
    name="idle",
    title="idle keep-alive connection",
    group=Group.PROCESS,
    rank=0,
    quick=True,
    metric=MEMORY_PER_CONNECTION,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("floor")),
    comparisons=(
        Comparison("fastserve", at_most=2.5),
        Comparison("fastserve", "floor"),
        Comparison("uvicorn", "fastserve"),
    ),
)
