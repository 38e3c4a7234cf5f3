"""What does a server spend on a number of requests that is known beforehand, as h2load counts them?

A second load client, from other hands: figures that two of them agree about are not the doing of one. And it
does what wrk does not. Its number of requests is exact, none is in flight when the server's time is read. It
counts statuses and bodies' bytes by itself. It writes down the time of every request, of which percentiles
are computed here; wrk's come from its own histogram.
"""

from __future__ import annotations

import re
import resource
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load import probed
from bench.programs import path_of
from bench.serving import serving
from bench.workload import Entry, Sample, Setting, Workload
from fastserve.measure import kernel, probe
from fastserve.measure.spread import Void

REQUESTS_PER_S = 40_000
"""For each second of load of the setting; a server may need more or less than that second."""

TIMEOUT_S = 60
REQUESTS = re.compile(r"^requests: .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$", re.M)
STATUSES = re.compile(r"^status codes: (\d+) 2xx", re.M)
TRAFFIC = re.compile(r"^traffic: \S+ \((\d+)\) total, .* \S+ \((\d+)\) data$", re.M)
RATE = re.compile(r"^finished in .*, ([\d.]+) req/s", re.M)


@dataclass(frozen=True)
class Counted:
    """What one run counted, and the CPU seconds that h2load itself has worked."""

    requests: int
    wire_bytes: int
    body_bytes: int
    duration_s: float
    sorted_us: Sequence[int]
    busy_s: float

    def percentile_ms(self, percent: float) -> float:
        """The time below which so many of a hundred requests lie."""
        return self.sorted_us[int((len(self.sorted_us) - 1) * percent / 100)] / 1000


def parse(said: str, requests: int, sorted_us: Sequence[int], busy_s: float) -> Counted:
    """From what h2load prints. Raises `Void` where not each of the requests was answered by 2xx."""
    found = [pattern.search(said) for pattern in (REQUESTS, STATUSES, TRAFFIC, RATE)]
    if None in found:
        raise Void(f"h2load printed {said[-200:]!r}")
    (good, failed, errored, late), (successes,), (wire, body), (rate,) = (
        match.groups() for match in found if match
    )
    if not int(good) == int(successes) == len(sorted_us) == requests:
        raise Void(
            f"of {requests} requests h2load saw {good} succeed, {successes} with 2xx, {failed} fail, "
            f"{errored} err, {late} time out, and wrote down {len(sorted_us)}"
        )
    return Counted(requests, int(wire), int(body), requests / float(rate), sorted_us, busy_s)


def run(url: str, connections: int, requests: int, log: Path) -> Counted:
    """One run over HTTP/1.1, on one thread. Raises `Void` where it fails."""
    command = [path_of("h2load") or "h2load", "--h1", "-t1", f"-c{connections}", f"-n{requests}"]
    log.unlink(missing_ok=True)  # it would append
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        ended = subprocess.run(
            [*command, f"--log-file={log}", url], capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise Void("h2load did not end") from None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode:
        raise Void(f"h2load ended with code {ended.returncode}: {ended.stderr.strip()}")
    busy_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Each line: when the request began, its status, how long it took.
    sorted_us = sorted(int(line.split()[2]) for line in log.read_text().splitlines())
    return parse(ended.stdout, requests, sorted_us, busy_s)


@dataclass(frozen=True, kw_only=True)
class CountedWorkload(Workload):
    """So many requests of `exchange`, over the setting's connections."""

    exchange: probe.Exchange
    program: str = "h2load"

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Probe, warm up with a quarter of them, then read the server's CPU time before and behind the
        run."""
        requests = REQUESTS_PER_S * setting.load_s
        log = setting.scratch / "h2load.log"
        with serving(setting, entry, "hello") as server:
            answer_bytes = probed(setting, entry, server, self.exchange)
            url = f"http://127.0.0.1:{server.port}{self.exchange.path}"
            try:
                run(url, setting.connections, requests // 4, log)
                before = kernel.settled_cpu(server.pid)
                counted = run(url, setting.connections, requests, log)
            except Void:
                server.check_alive()
                raise
            cpu = kernel.cpu_between(before, kernel.settled_cpu(server.pid))
            memory = kernel.private_memory(server.pid)
            server.check_alive()
        wanted = (answer_bytes * requests, len(self.exchange.answer) * requests)
        if (counted.wire_bytes, counted.body_bytes) != wanted:
            raise Void(
                f"h2load read {counted.wire_bytes} bytes, {counted.body_bytes} of bodies, not {wanted}"
            )
        return Sample(
            cpu.run_ns / 1000 / requests,
            {
                "requests_per_s": requests / counted.duration_s,
                "p50_ms": counted.percentile_ms(50),
                "p99_ms": counted.percentile_ms(99),
                "p999_ms": counted.percentile_ms(99.9),
                "memory_mb": memory / 1e6,
                **kernel.shares(cpu, counted.duration_s),
                "load_busy": min(counted.busy_s / counted.duration_s, 1.0),
                "requests": requests,
            },
        )
