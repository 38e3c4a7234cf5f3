"""What does a request cost a server that runs, under wrk's load?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastserve.measure import kernel, wrk
from fastserve.measure.process import Running
from fastserve.measure.spread import Void

__all__ = ["Cost", "under_load"]


@dataclass(frozen=True)
class Cost:
    """What wrk counted, and what the server's process tree spent and held meanwhile."""

    load: wrk.Load
    cpu: kernel.CpuTime
    memory_bytes: int

    @property
    def cpu_us(self) -> float:
        """CPU time for each request, user and kernel."""
        return self.cpu.run_ns / 1000 / self.load.requests

    @property
    def details(self) -> dict[str, float]:
        """The rest, for a table or a file."""
        load = self.load
        return {
            "requests_per_s": load.requests / load.duration_s,
            "p50_ms": load.p50_ms,
            "p99_ms": load.p99_ms,
            "p999_ms": load.p999_ms,
            "memory_mb": self.memory_bytes / 1e6,
            **kernel.shares(self.cpu, load.duration_s),
            "load_busy": load.busy,
            "requests": load.requests,
        }


def under_load(
    server: Running,
    url: str,
    connections: int,
    warm_up_s: int,
    load_s: int,
    script: Path = wrk.REPORT,
    arguments: Sequence[str] = (),
    rests: bool = True,
) -> Cost:
    """Warm up, then read the server's CPU time before and behind one run of wrk, each time at rest.

    A server that never rests (not `rests`) is not waited for: what it does for nothing is part of its cost.
    Raises `Void` when the server or wrk fails. What wrk counted is not judged: see `wrk.check`.
    """
    read = kernel.settled_cpu if rests else kernel.read_cpu
    try:
        wrk.load(url, connections, warm_up_s, script, arguments)
        before = read(server.pid)
        load = wrk.load(url, connections, load_s, script, arguments)
    except Void:
        server.check_alive()
        raise
    cpu = kernel.cpu_between(before, read(server.pid))
    memory = kernel.private_memory(server.pid)
    server.check_alive()
    return Cost(load, cpu, memory)
