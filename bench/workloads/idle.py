"""Connections that made one request and stay: the memory that each one holds."""

import socket
from dataclasses import dataclass

from bench.apps.plain_asgi import HELLO
from bench.held import HeldWorkload
from bench.workload import MEMORY_PER_CONNECTION, Comparison, Entry, Group
from fastserve.measure import probe
from fastserve.measure.process import Running

EXCHANGE = probe.Exchange(answer=HELLO)
WARM_UP_REQUESTS = 200
BACKPRESSURE = ("--backpressure", "4096")
"""For granian, which else takes a thousand connections at most."""


@dataclass(frozen=True, kw_only=True)
class IdleWorkload(HeldWorkload):
    """Each made one request."""

    def open(self, client: socket.socket) -> None:
        """One request, its answer checked."""
        probe.check(client, EXCHANGE)

    def warm_up(self, server: Running) -> None:
        """On a single connection."""
        with server.connect_first() as client:
            for _ in range(WARM_UP_REQUESTS):
                probe.check(client, EXCHANGE)


WORKLOAD = IdleWorkload(
    name="idle",
    title="idle keep-alive connection",
    group=Group.PROCESS,
    rank=0,
    quick=True,
    metric=MEMORY_PER_CONNECTION,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("granian", options=BACKPRESSURE), Entry("floor")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", at_most=2.5),
        Comparison("fastserve", "floor"),
        Comparison("uvicorn", "fastserve"),
    ),
)
