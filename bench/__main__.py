"""``python -m bench``: the command line of the benchmark."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import rounds
from bench.interpreter import Interpreter, ask_interpreter
from bench.markdown import markdown
from bench.programs import install, load_clients, path_of
from bench.result import Report, Row, WorkloadResult, dumped
from bench.servers import QUICK, ROOT, SERVERS
from bench.terminal import Waiting, show
from bench.text import skipped
from bench.workload import Setting
from bench.workloads import WORKLOADS
from fastserve.measure import kernel, wrk
from fastserve.measure.interrupts import interrupts

EXIT_VOID = 1
EXIT_CANNOT_RUN = 2
EXIT_INTERRUPTED = 130

PEERS = ROOT / ".venv-peers" / "bin" / "python"
"""What `make bench-peers` makes."""


@dataclasses.dataclass(frozen=True)
class Extent:
    """How much is measured: rounds of everything, seconds of load, starts for one start-up sample."""

    rounds: int
    load_s: int
    starts: int


FULL = Extent(rounds=5, load_s=2, starts=5)
SHORT = Extent(rounds=2, load_s=1, starts=3)


NICENESS = -19


class CannotRun(Exception):
    """The benchmark cannot be run here; the message is one line that says what to do."""


def names(known: Sequence[str], what: str, text: str) -> list[str]:
    """A comma-separated choice among `known`, in their order."""
    chosen = text.split(",")
    for name in chosen:
        if name not in known:
            raise argparse.ArgumentTypeError(f"no {what} {name!r}; there are {', '.join(known)}")
    return [name for name in known if name in chosen]


def numbers(text: str) -> tuple[int, ...]:
    """``0,2`` as numbers of CPUs."""
    return tuple(int(word) for word in text.split(","))


def add_places(parser: argparse.ArgumentParser) -> None:
    """Which interpreters run the servers, and on which cores they and their load run."""
    add = parser.add_argument
    add("--python", default=sys.executable, help="the interpreter that runs fastserve (default: this one)")
    add(
        "--peers",
        help=f"the interpreter that runs the peers (default: {PEERS.relative_to(ROOT)}, if it is there)",
    )
    add(
        "--server-cores",
        type=numbers,
        default=(0,),
        metavar="CPUS",
        help="default: 0; more for several workers",
    )
    add("--load-core", type=int, default=1, metavar="CPU", help="default: 1")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line. ``QUICK`` in the environment is ``--quick``, for ``make bench QUICK=1``."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="What a request costs: fastserve and its peers, in turn and in rounds.",
    )
    add = parser.add_argument
    add(
        "--quick",
        action="store_true",
        default=os.environ.get("QUICK", "") not in ("", "0"),
        help=f"a first look: {SHORT.rounds} rounds of {SHORT.load_s} s instead of {FULL.rounds} of "
        f"{FULL.load_s} s, and, unless chosen, fewer workloads and servers",
    )
    add("--rounds", type=int, help="how many rounds")
    add(
        "--only",
        type=lambda text: names(list(WORKLOADS), "workload", text),
        metavar="WORKLOADS",
        help=f"of {', '.join(WORKLOADS)}",
    )
    add(
        "--servers",
        type=lambda text: names(list(SERVERS), "server", text),
        help=f"of {', '.join(SERVERS)}",
    )
    add_places(parser)
    add("--results", type=Path, metavar="FILE", help="write everything measured to a file, sample by sample")
    add("--resume", action="store_true", help="go on with what FILE of --results has")
    add("--markdown", action="store_true", help="print the table for the README")
    options = parser.parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if options.resume and options.results is None:
        parser.error("--resume goes on with the file that --results names")
    return options


def check_machine(options: argparse.Namespace) -> None:
    """Raise `CannotRun` unless the machine has what the method needs."""
    if sys.platform != "linux":
        raise CannotRun("the benchmark reads Linux's /proc; run it on Linux")
    if not wrk.installed():
        raise CannotRun("wrk is missing: install it (apt install wrk, dnf install wrk)")
    cores = os.sched_getaffinity(0)
    if options.load_core in options.server_cores or not {*options.server_cores, options.load_core} <= cores:
        raise CannotRun(f"needs two cores, of {sorted(cores)}: choose by --server-cores and --load-core")


def settle(core: int) -> None:
    """Take the load's core, and let others have it less; load clients inherit that, and servers, up to their
    core.

    Not in real time: there the kernel stops whoever is busy for 50 ms of each second (sched(7),
    sched_rt_runtime_us), and the worst latencies would all be its own.
    """
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    os.sched_setaffinity(0, {core})


def ask(path: str) -> Interpreter:
    """The interpreter of the servers, or `CannotRun`."""
    try:
        return ask_interpreter(os.path.abspath(path))
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise CannotRun(f"{path} does not run as a Python: {error}") from error


def plan(workloads: Sequence[str], servers: Sequence[str]) -> list[WorkloadResult]:
    """The rows to fill: the chosen workloads' entries, of the chosen servers that are installed."""
    results = []
    for workload in (WORKLOADS[name] for name in workloads):
        if workload.program and path_of(workload.program) is None:
            continue
        rows = {entry.name: Row(entry.name) for entry in workload.entries if entry.server in servers}
        if rows:
            results.append(WorkloadResult(workload, rows))
    return results


def chosen(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Workloads and servers: those that were named, or all, or those of a first look."""
    quick = options.quick
    workloads = options.only or [name for name, one in WORKLOADS.items() if one.quick or not quick]
    servers = options.servers or [name for name in SERVERS if name in QUICK or not quick or options.only]
    return workloads, servers


def new_report(options: argparse.Namespace, setting: Setting, own: Interpreter, peers: Interpreter) -> Report:
    """Without a sample yet."""
    workloads, servers = chosen(options)
    found = {name: SERVERS[name].version(own if SERVERS[name].ours else peers) for name in servers}
    method: dict[str, Any] = dataclasses.asdict(setting)
    for path in ("python", "peers", "scratch"):
        del method[path]
    method["server_cores"] = list(setting.server_cores)
    method["clients"] = load_clients()
    versions = {name: version for name, version in found.items() if version is not None}
    missing = {name: SERVERS[name].install for name in found if name not in versions}
    for name in workloads:
        program = WORKLOADS[name].program
        if program and path_of(program) is None:
            missing[name] = install(program)
    return Report(
        kernel.machine(),
        own.name,
        own.version,
        versions,
        missing,
        method,
        options.rounds or extent(options).rounds,
        plan(workloads, list(versions)),
    )


def resume(report: Report, path: Path) -> None:
    """Take over what `path` has: samples of the chosen rows, but for void ones, and all other rows as they
    are.

    Raises `CannotRun` where it was measured otherwise.
    """
    try:
        known = Report.from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return
    except (ValueError, KeyError) as error:
        raise CannotRun(f"{path} cannot be gone on with: {error}") from error
    pairs: list[tuple[str, Any, Any]] = [
        (what, getattr(known, what), getattr(report, what)) for what in ("machine", "python", "method")
    ]
    pairs += [
        (name, known.servers[name], report.servers[name]) for name in known.servers.keys() & report.servers
    ]
    for what, before, now in pairs:
        if before != now:
            raise CannotRun(f"{path} was measured with another {what}: {before}, and not {now}")
    report.servers = {
        name: (report.servers | known.servers)[name]
        for name in SERVERS
        if name in report.servers | known.servers
    }
    report.rounds = max(report.rounds, known.rounds)
    report.results = merged(report.results, known.results)


def merged(planned: list[WorkloadResult], known: list[WorkloadResult]) -> list[WorkloadResult]:
    """Both, in the order of workloads and entries."""
    plans = {result.workload.name: result.rows for result in planned}
    knowns = {result.workload.name: result.rows for result in known}
    results = []
    for name, workload in WORKLOADS.items():
        rows: dict[str, Row] = {}
        for entry in workload.entries:
            row, before = plans.get(name, {}).get(entry.name), knowns.get(name, {}).get(entry.name)
            if row is not None and before is not None and not before.void:
                row.samples = before.samples
            if row is None and before is not None:
                row, before.chosen = before, False
            if row is not None:
                rows[entry.name] = row
        if rows:
            results.append(WorkloadResult(workload, rows))
    return results


def extent(options: argparse.Namespace) -> Extent:
    """Of a first look, or in full."""
    return SHORT if options.quick else FULL


def write(report: Report, path: Path) -> None:
    """As a whole or not at all, whenever the run is interrupted."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(dumped(report))
    beside.replace(path)


def benchmark(options: argparse.Namespace) -> Report:
    """The whole run. Raises `CannotRun`."""
    check_machine(options)
    own = ask(options.python)
    peers = ask(options.peers or (str(PEERS) if PEERS.exists() else options.python))
    if own.version != peers.version:
        raise CannotRun(f"fastserve is on {own.name}, the peers on {peers.name}: they must be the same")
    with tempfile.TemporaryDirectory(prefix="fastserve-bench-") as scratch:
        setting = Setting(
            own.path,
            peers.path,
            Path(scratch),
            options.server_cores,
            options.load_core,
            extent(options).load_s,
            extent(options).starts,
        )
        report = new_report(options, setting, own, peers)
        if options.resume:
            resume(report, options.results)
        settle(options.load_core)
        with Waiting(rounds.left(report)) as waiting:
            for line in skipped(report):
                waiting.say(line)
            for number, result, row in rounds.steps(report):
                waiting.begin(result, row)
                rounds.take(result, row, setting, number)
                waiting.end(number, result, row)
                if options.results:
                    write(report, options.results)
    return report


def main() -> int:
    """Run, print, and give the exit status: 0, 1 with a void row, 2 where it cannot run, 130 after Ctrl-C."""
    options = parse()
    interrupts.install()
    try:
        report = benchmark(options)
    except CannotRun as reason:
        print(f"bench: {reason}", file=sys.stderr)
        return EXIT_CANNOT_RUN
    except KeyboardInterrupt:
        print("bench: interrupted; no server is left running", file=sys.stderr)
        return EXIT_INTERRUPTED
    if options.results:
        write(report, options.results)
    if options.markdown:
        print(markdown(report))
    else:
        show(report)
    return EXIT_VOID if report.void else 0


if __name__ == "__main__":
    sys.exit(main())
