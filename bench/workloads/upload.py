"""A body of 1 GB that the application counts and drops: how much of it does the server hold at a time?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.servers import ASGI
from bench.serving import serving
from bench.workload import Comparison, Entry, Group, Metric, Sample, Setting, Workload, entries
from fastserve.measure import kernel, probe
from fastserve.measure.spread import Void

BYTES = 1_000_000_000
BLOCK = bytes(1_000_000)
WARM_UP = probe.Exchange(answer=b"1000", method="POST", path="/count", body=bytes(1000))
HEAD = b"POST /count HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % BYTES
MEMORY = Metric("peak memory beyond that at rest", "MB", 1)


@dataclass(frozen=True, kw_only=True)
class UploadWorkload(Workload):
    """One connection writes as fast as the server takes it."""

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """The peak of the server's resident memory, less what it held before, in MB of 1,000,000 bytes."""
        with serving(setting, entry, "hello") as server:
            with server.connect_first() as client:
                probe.check(client, WARM_UP)
            at_rest = kernel.resident(server.pid)
            before = kernel.settled_cpu(server.pid)
            begin_s = time.perf_counter()
            with server.connect() as client:
                client.sendall(HEAD)
                for _ in range(BYTES // len(BLOCK)):
                    client.sendall(BLOCK)
                body, _ = probe.Reader(client).answer()
            if body != str(BYTES).encode():
                raise Void(f"the application has counted {body!r} bytes")
            duration_s = time.perf_counter() - begin_s
            cpu = kernel.cpu_between(before, kernel.settled_cpu(server.pid))
            peak = kernel.resident_peak(server.pid)
            server.check_alive()
        return Sample(
            max(peak - at_rest, 0) / 1e6,
            {
                "cpu_ms_per_mb": cpu.run_ns / BYTES,
                "mb_per_s": BYTES / 1e6 / duration_s,
                **kernel.shares(cpu, duration_s),
            },
        )


WORKLOAD = UploadWorkload(
    name="upload",
    title="an upload of 1 GB",
    group=Group.PROCESS,
    rank=40,
    metric=MEMORY,
    entries=entries(*ASGI, app="waiting_asgi:app"),
    comparisons=(Comparison("fastserve", at_most=10),),
)
