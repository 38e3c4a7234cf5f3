"""What does a server spend on a request under wrk's load, and was each of its answers right?"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from bench.certificate import certificate
from bench.descriptors import allow_connections
from bench.servers import SERVERS
from bench.serving import serving
from bench.workload import Entry, Sample, Setting, Workload
from fastserve.measure import probe, wrk
from fastserve.measure.cost import under_load
from fastserve.measure.process import Running
from fastserve.measure.spread import Void

SCRIPTS = Path(__file__).resolve().parent / "wrk"
READ_BYTES = 64 * 1024
LATENCIES = {"p50_ms", "p99_ms", "p999_ms"}


@dataclass(frozen=True, kw_only=True)
class LoadWorkload(Workload):
    """A workload that wrk drives: its connections make `exchange` again and again.

    `script` is a file of bench/wrk with its `arguments`; without one it is a plain GET. `floor` is the
    variant of `bench.floor` for it. `connections` stands for the setting's where a workload needs its own
    number.
    """

    exchange: probe.Exchange
    floor: str = "hello"
    script: str = ""
    arguments: tuple[str, ...] = ()
    connections: int = 0

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Probe, warm up, then read the server's CPU time before and behind one run of wrk.

        Pipelined requests have no latency here: wrk times batches, and corrects them by the rate of requests.
        """
        connections = self.connections or setting.connections
        allow_connections(connections)
        script = SCRIPTS / self.script if self.script else wrk.REPORT
        with serving(setting, entry, self.floor) as server:
            answer_bytes = probed(setting, entry, server, self.exchange)
            scheme = "https" if entry.tls else "http"
            url = f"{scheme}://127.0.0.1:{server.port}{self.exchange.path}"
            cost = under_load(
                server,
                url,
                connections,
                setting.warm_up_s,
                setting.load_s,
                script,
                self.arguments,
                SERVERS[entry.server].rests,
            )
        wrk.check(cost.load, answer_bytes, connections * self.exchange.depth)
        if entry.access_log:
            check_log(server.stdout, server.stderr, cost.load.requests)
        details = {**cost.details, "answer_bytes": answer_bytes}
        if self.exchange.depth > 1:
            details = {name: value for name, value in details.items() if name not in LATENCIES}
        return Sample(cost.cpu_us, details)


@dataclass(frozen=True, kw_only=True)
class LatencyWorkload(LoadWorkload):
    """The same, where the 99th percentile of wrk's latencies is asked for, and not the CPU time."""

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """As LoadWorkload's; the sample's value is in ms."""
        sample = super().measure(setting, entry)
        return Sample(sample.details["p99_ms"], {**sample.details, "cpu_us": sample.value})


def probed(setting: Setting, entry: Entry, server: Running, exchange: probe.Exchange) -> int:
    """Make the exchange with a server that has just been started; gives the bytes of one answer on the
    wire."""
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(server.connect_first())
        if entry.tls:
            context = certificate(setting.scratch).client_context()
            client = stack.enter_context(context.wrap_socket(client, server_hostname="127.0.0.1"))
        return probe.check(client, exchange)


def lines(path: Path) -> int:
    """How many lines a file has."""
    count = 0
    with path.open("rb") as log:
        while block := log.read(READ_BYTES):
            count += block.count(b"\n")
    return count


def check_log(stdout: Path, stderr: Path, requests: int) -> None:
    """The access log must hold a line for each answer (and more: those of the probe and of the warm-up)."""
    found = max(lines(stdout), lines(stderr))
    if found < requests:
        raise Void(f"the access log has {found} lines for {requests} answers")
