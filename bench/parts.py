"""Where does the CPU time of a request go? By the part of the process that runs, under wrk's load, by perf.

    python -m bench.parts hello                         # fastserve and the floor
    python -m bench.parts tls --servers fastserve,uvicorn,floor

A server's CPU time for a request is measured without perf, as the benchmark does; then the same load runs
under ``perf record``, whose samples say which share of it each part had. What a server spends beyond the
floor is then a difference, part by part. It needs perf (Debian: linux-perf) and the right to use it.
"""

from __future__ import annotations

import argparse
import collections
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.__main__ import CannotRun, add_places, ask, check_machine, names, settle
from bench.application import ALONE
from bench.descriptors import allow_connections
from bench.load import SCRIPTS, LoadWorkload, probed
from bench.servers import SERVERS
from bench.serving import serving
from bench.workload import Entry, Setting
from bench.workloads import WORKLOADS
from fastserve.measure import kernel, wrk
from fastserve.measure.cost import under_load
from fastserve.measure.interrupts import interrupts
from fastserve.measure.spread import Void

PARTS = (
    ("kernel", re.compile(r"^\[|\.ko$")),
    ("OpenSSL", re.compile(r"/lib(?:ssl|crypto)[-.\w]*$|/_ssl\.[-.\w]+$")),
    ("fastserve's modules", re.compile(r"/fastserve/(?:(?!/site-packages/).)*\.so$")),
    ("uvloop", re.compile(r"/uvloop/.*\.so$")),
    ("C library", re.compile(r"/(?:libc|libm|libpthread|ld-linux[-\w]*|ld)[-.][-.\w]*$|^\[vdso\]$")),
    ("CPython", re.compile(r"/(?:lib)?python3[.\d]*(?:\.so[.\d]*)?$|/lib-dynload/")),
)
"""Of a process, by the file that the code is from; the first that fits, else `OTHER`."""

OTHER = "other modules"
FREQUENCY_HZ = 4999
ATTACH_S = 0.3

Times = dict[str, float]
"""Microseconds for a request, by part."""


def part_of(path: str) -> str:
    """The part that a file belongs to."""
    if path == "[vdso]":
        return "C library"
    return next((name for name, pattern in PARTS if pattern.search(path)), OTHER)


def sampled(data: Path) -> Iterator[str]:
    """The file of each sample."""
    command = ["perf", "script", "-i", str(data), "-F", "ip,dso"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in said.splitlines():
        found = re.search(r"\((.*?)\)\s*$", line)
        if found:
            yield found[1]


def shares(files: Sequence[str]) -> Times:
    """Of all samples, by part."""
    if not files:
        raise Void("perf has no samples")
    counts = collections.Counter(map(part_of, files))
    return {part: count / len(files) for part, count in counts.items()}


def measure(workload: LoadWorkload, setting: Setting, entry: Entry) -> Times:
    """One server, once."""
    connections = workload.connections or setting.connections
    allow_connections(connections)
    script = SCRIPTS / workload.script if workload.script else wrk.REPORT
    data = setting.scratch / "perf.data"
    with serving(setting, entry, workload.floor) as server:
        probed(setting, entry, server, workload.exchange)
        url = f"{'https' if entry.tls else 'http'}://127.0.0.1:{server.port}{workload.exchange.path}"
        load = (url, connections)
        cost = under_load(server, *load, setting.warm_up_s, setting.load_s, script, workload.arguments)
        pids = ",".join(map(str, kernel.process_tree(server.pid)))
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(FREQUENCY_HZ), "-p", pids]
        with subprocess.Popen([*command, "-o", str(data)], stderr=subprocess.PIPE, text=True) as perf:
            time.sleep(ATTACH_S)
            wrk.load(*load, setting.load_s, script, workload.arguments)
            perf.send_signal(signal.SIGINT)
            said = perf.communicate()[1]
        server.check_alive()
    if not data.exists():
        raise Void(f"perf recorded nothing: {said.strip()}")
    return {part: share * cost.cpu_us for part, share in shares(list(sampled(data))).items()}


def table(columns: dict[str, list[Times]]) -> list[str]:
    """The medians of the rounds in Markdown: a line for each part, a column for each server."""
    parts = [*(name for name, _ in PARTS), OTHER]
    lines = ["| µs of a request | " + " | ".join(columns) + " |", "|---" + "|--:" * len(columns) + "|"]
    for part in parts:
        medians = [statistics.median(times.get(part, 0) for times in rounds) for rounds in columns.values()]
        if any(median >= 0.005 for median in medians):
            lines.append(f"| {part} | " + " | ".join(f"{median:.2f}" for median in medians) + " |")
    whole = [statistics.median(sum(times.values()) for times in rounds) for rounds in columns.values()]
    return [*lines, "| **together** | " + " | ".join(f"{median:.2f}" for median in whole) + " |"]


def main() -> int:
    """Parse the command line, measure in rounds, print."""
    loads = {name: one for name, one in WORKLOADS.items() if isinstance(one, LoadWorkload)}
    parser = argparse.ArgumentParser(prog="python -m bench.parts", description="Where a request's time goes.")
    parser.add_argument("workload", choices=list(loads), metavar="WORKLOAD", help=", ".join(loads))
    parser.add_argument("--servers", type=lambda text: names(list(SERVERS), "server", text))
    parser.add_argument("--rounds", type=int, default=3)
    add_places(parser)
    options = parser.parse_args()
    workload = loads[options.workload]
    interrupts.install()
    try:
        check_machine(options)
        if shutil.which("perf") is None:
            raise CannotRun("perf is missing: install it (apt install linux-perf)")
        own, peers = ask(options.python), ask(options.peers or options.python)
        servers = options.servers or ["fastserve", "floor"]
        rows = [one for one in workload.entries if one.server in servers and one.label != ALONE]
        columns: dict[str, list[Times]] = {entry.name: [] for entry in rows}
        with tempfile.TemporaryDirectory(prefix="fastserve-bench-") as scratch:
            cores = options.server_cores, options.load_core
            setting = Setting(own.path, peers.path, Path(scratch), *cores, load_s=2, starts=1)
            settle(options.load_core)
            for _ in range(options.rounds):
                for entry in rows:
                    columns[entry.name].append(measure(workload, setting, entry))
    except (CannotRun, Void) as reason:
        print(f"bench.parts: {reason}", file=sys.stderr)
        return 2
    print("\n".join([f"{workload.title}; {own.name}", "", *table(columns)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
