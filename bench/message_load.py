"""What does a server spend on a WebSocket message that the application sends back?"""

from __future__ import annotations

from dataclasses import dataclass

from bench import clients
from bench.descriptors import allow_connections
from bench.serving import serving
from bench.workload import Entry, Sample, Setting, Workload
from fastserve.measure import kernel

FLOOR = "messages"
ECHO = "/messages"
BROADCAST = "/broadcast"
QUIET = ("--ws-ping-interval", "3600")
"""What fastserve and uvicorn are told where clients stay for longer than until the first ping."""


@dataclass(frozen=True, kw_only=True)
class MessageWorkload(Workload):
    """`connections`, each with one message of `size_bytes` under way, again and again.

    With the path of `BROADCAST`, one of them sends, and all receive it before it sends again. The client,
    messages.c, compares every byte that comes, and fails on the first that is wrong; it counts what is
    received.
    """

    size_bytes: int
    path: str = ECHO
    connections: int | None = None
    """As the setting has them, or so many."""

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Warm up, then read the server's CPU time before and behind the counted run."""
        program = clients.built("messages", setting.scratch)
        connections = self.connections or setting.connections
        allow_connections(connections)
        words = [self.path, connections, self.size_bytes, setting.load_s, setting.warm_up_s]
        with serving(setting, entry, FLOOR) as server:
            server.connect_first().close()
            counted = clients.run(program, server, [str(word) for word in words], setting.warm_up_s)
            server.check_alive()
        numbers, duration_s = counted.numbers, counted.numbers["duration_s"]
        return Sample(
            counted.cpu.run_ns / 1000 / numbers["messages"],
            {
                "requests_per_s": numbers["messages"] / duration_s,
                "p50_ms": numbers["p50_ms"],
                "p99_ms": numbers["p99_ms"],
                **kernel.shares(counted.cpu, duration_s),
                "load_busy": counted.busy,
                "requests": numbers["messages"],
            },
        )
