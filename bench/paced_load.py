"""How long do answers take at a constant rate, counted from when each request was due?"""

from __future__ import annotations

from dataclasses import dataclass

from bench import clients
from bench.load import probed
from bench.serving import serving
from bench.workload import Entry, Sample, Setting, Workload
from fastserve.measure import kernel, probe


@dataclass(frozen=True, kw_only=True)
class PacedWorkload(Workload):
    """`rate_per_s` requests a second, by paced.c over `connections` of the setting; the value is their p99 in
    ms.

    Every `other_every`-th request is for `other_path`, which answers the same; its own latency does not
    count.
    """

    exchange: probe.Exchange
    rate_per_s: int
    other_path: str = ""
    other_every: int = 0

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Probe, then let the client warm up and count."""
        program = clients.built("paced", setting.scratch)
        with serving(setting, entry, "hello") as server:
            answer_bytes = probed(setting, entry, server, self.exchange)
            words = [setting.connections, self.rate_per_s, setting.load_s, setting.warm_up_s, answer_bytes]
            other = [self.other_path, str(self.other_every)] if self.other_every else []
            line = [*map(str, words), self.exchange.path, *other]
            counted = clients.run(program, server, line, setting.warm_up_s)
            server.check_alive()
        numbers, duration_s = counted.numbers, counted.numbers["duration_s"]
        return Sample(
            numbers["p99_ms"],
            {
                "requests_per_s": numbers["requests"] / duration_s,
                "p50_ms": numbers["p50_ms"],
                "p99_ms": numbers["p99_ms"],
                "p999_ms": numbers["p999_ms"],
                "max_ms": numbers["max_ms"],
                "late_ms": numbers["late_ms"],
                **kernel.shares(counted.cpu, duration_s),
                "requests": numbers["requests"],
            },
        )
