"""What does a server spend on a request under wrk's load, and was each of its answers right?"""

import contextlib
import json
import resource
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import kernel, probe
from bench.certificate import certificate
from bench.process import Running
from bench.servers import serving
from bench.workload import Entry, Sample, Setting, Void, Workload

SCRIPTS = Path(__file__).resolve().parent / "wrk"
SETTLE_STEP_S = 0.02
SETTLED_SHARE = 0.05
"""Settled: in one step, the server runs for less than this share of it."""
SETTLE_TIMEOUT_S = 2.0
WRK_TIMEOUT_S = 30
READ_BYTES = 64 * 1024


@dataclass(frozen=True)
class Load:
    """What one run of wrk counted. `busy` is the share of the run that wrk's core worked."""

    requests: int
    bytes_read: int
    duration_s: float
    p50_ms: float
    p99_ms: float
    errors: Mapping[str, int]
    busy: float

    @classmethod
    def parse(cls, line: str, busy_s: float) -> "Load":
        """From the line that report.lua prints, and the CPU seconds of wrk."""
        said = json.loads(line)
        duration_s = said["duration_us"] / 1e6
        return cls(
            said["requests"],
            said["bytes"],
            duration_s,
            said["p50_us"] / 1e3,
            said["p99_us"] / 1e3,
            said["errors"],
            busy_s / duration_s,
        )


@dataclass(frozen=True, kw_only=True)
class LoadWorkload(Workload):
    """A workload that wrk drives: `connections` of the setting, each making `exchange` again and again.

    `script` is a file of bench/wrk with its `arguments`; `floor` is the variant of `bench.floor` for it.
    """

    exchange: probe.Exchange
    floor: str
    script: str = "report.lua"
    arguments: tuple[str, ...] = ()

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Probe, warm up, then read the server's CPU time before and behind one run of wrk.

        Pipelined requests have no latency here: wrk times batches, and corrects them by the rate of requests.
        """
        with serving(setting, entry, self.floor) as server:
            with contextlib.ExitStack() as stack:
                client = stack.enter_context(server.connect_first())
                if entry.tls:
                    context = certificate(setting.scratch).client_context()
                    client = stack.enter_context(context.wrap_socket(client, server_hostname="127.0.0.1"))
                answer_bytes = probe.check(client, self.exchange)
            self._run_wrk(setting, entry, server, setting.warm_up_s)
            before = settled_cpu(server)
            load = self._run_wrk(setting, entry, server, setting.load_s)
            cpu = kernel.cpu_between(before, settled_cpu(server))
            server.check_alive()
        check(load, answer_bytes, in_flight=setting.connections * self.exchange.depth)
        if entry.access_log:
            check_log(server.stdout, load.requests)
        return Sample(
            cpu.run_ns / 1000 / load.requests,
            {
                "requests_per_s": load.requests / load.duration_s,
                **({} if self.exchange.depth > 1 else {"p50_ms": load.p50_ms, "p99_ms": load.p99_ms}),
                "server_busy": cpu.run_ns / 1e9 / load.duration_s,
                "server_waited": cpu.wait_ns / 1e9 / load.duration_s,
                "load_busy": load.busy,
                "requests": load.requests,
                "answer_bytes": answer_bytes,
            },
        )

    def _run_wrk(self, setting: Setting, entry: Entry, server: Running, seconds: int) -> Load:
        scheme = "https" if entry.tls else "http"
        command = ["wrk", "-t1", f"-c{setting.connections}", f"-d{seconds}s", "-s", self.script]
        command += [f"{scheme}://127.0.0.1:{server.port}{self.exchange.path}", "--", *self.arguments]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            run = subprocess.run(
                command, cwd=SCRIPTS, capture_output=True, text=True, timeout=seconds + WRK_TIMEOUT_S
            )
        except subprocess.TimeoutExpired:
            raise Void("wrk did not end") from None
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if run.returncode:
            server.check_alive()
            raise Void(f"wrk ended with code {run.returncode}: {run.stderr.strip()}")
        busy_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Load.parse(run.stderr.splitlines()[-1], busy_s)


@dataclass(frozen=True, kw_only=True)
class LatencyWorkload(LoadWorkload):
    """The same, where the 99th percentile of wrk's latencies is asked for, and not the CPU time."""

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """As LoadWorkload's; the sample's value is in ms."""
        sample = super().measure(setting, entry)
        return Sample(sample.details["p99_ms"], {**sample.details, "cpu_us": sample.value})


def installed() -> bool:
    """Is wrk on the PATH?"""
    return shutil.which("wrk") is not None


def settled_cpu(server: Running) -> kernel.CpuReading:
    """The server's CPU time once it is at rest: what the load has left (closed connections) is done."""
    reading = kernel.read_cpu(server.pid)
    deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
    while time.monotonic() < deadline_s:
        time.sleep(SETTLE_STEP_S)
        last, reading = reading, kernel.read_cpu(server.pid)
        if kernel.cpu_between(last, reading).run_ns < SETTLED_SHARE * SETTLE_STEP_S * 1e9:
            return reading
    raise Void(f"the server still works {SETTLE_TIMEOUT_S:g} s after the load")


def check(load: Load, answer_bytes: int, in_flight: int) -> None:
    """Hold wrk's count of bytes to its count of answers, and allow no error.

    At the end of a run up to `in_flight` answers are read in part, and wrk counts their bytes alone.
    """
    errors = {name: count for name, count in load.errors.items() if count}
    if errors:
        raise Void("wrk saw errors: " + ", ".join(f"{count} × {name}" for name, count in errors.items()))
    if not load.requests:
        raise Void("no request was answered")
    surplus = load.bytes_read - load.requests * answer_bytes
    if not 0 <= surplus <= in_flight * answer_bytes:
        raise Void(f"wrk read {load.bytes_read} bytes in {load.requests} answers of {answer_bytes}")


def check_log(path: Path, requests: int) -> None:
    """The access log must hold a line for each answer (and more: those of the probe and of the warm-up)."""
    lines = 0
    with path.open("rb") as log:
        while block := log.read(READ_BYTES):
            lines += block.count(b"\n")
    if lines < requests:
        raise Void(f"the access log has {lines} lines for {requests} answers")
