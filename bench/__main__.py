"""``python -m bench``: the command line of the benchmark, and its rounds."""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import kernel, load, render
from bench.interrupts import interrupts
from bench.result import Report, Row, WorkloadResult
from bench.servers import SERVERS, Interpreter, ask_interpreter
from bench.workload import Setting, Void, Workload
from bench.workloads import WORKLOADS

EXIT_VOID = 1
EXIT_CANNOT_RUN = 2
EXIT_INTERRUPTED = 130


@dataclasses.dataclass(frozen=True)
class Extent:
    """How much is measured: rounds of everything, seconds of load, starts for one start-up sample."""

    rounds: int
    load_s: int
    starts: int


FULL = Extent(rounds=5, load_s=2, starts=5)
QUICK = Extent(rounds=2, load_s=1, starts=3)


class CannotRun(Exception):
    """The benchmark cannot be run here; the message is one line that says what to do."""


def names(known: Sequence[str], what: str, text: str) -> list[str]:
    """A comma-separated choice among `known`, in their order."""
    chosen = text.split(",")
    for name in chosen:
        if name not in known:
            raise argparse.ArgumentTypeError(f"no {what} {name!r}; there are {', '.join(known)}")
    return [name for name in known if name in chosen]


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line. ``QUICK`` in the environment is ``--quick``, for ``make bench QUICK=1``."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Server CPU per request: fastserve, uvicorn, nginx and the floor, in turn and in rounds.",
    )
    add = parser.add_argument
    add(
        "--quick",
        action="store_true",
        default=os.environ.get("QUICK", "") not in ("", "0"),
        help=f"{QUICK.rounds} rounds of {QUICK.load_s} s instead of {FULL.rounds} of {FULL.load_s} s",
    )
    add("--rounds", type=int, help="how many rounds")
    add(
        "--only",
        type=lambda text: names(list(WORKLOADS), "workload", text),
        default=list(WORKLOADS),
        metavar="WORKLOADS",
        help=f"of {', '.join(WORKLOADS)}",
    )
    add(
        "--servers",
        type=lambda text: names(list(SERVERS), "server", text),
        default=list(SERVERS),
        help=f"of {', '.join(SERVERS)}",
    )
    add("--python", default=sys.executable, help="the interpreter that runs the servers (default: this one)")
    add("--server-core", type=int, default=0, metavar="CPU", help="default: 0")
    add("--load-core", type=int, default=1, metavar="CPU", help="default: 1")
    add("--json", type=Path, metavar="FILE", help="write everything measured to a file")
    add("--markdown", action="store_true", help="print the table for the README")
    options = parser.parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def check_machine(options: argparse.Namespace) -> None:
    """Raise `CannotRun` unless the machine has what the method needs."""
    if sys.platform != "linux":
        raise CannotRun("the benchmark reads Linux's /proc; run it on Linux")
    if not load.installed():
        raise CannotRun("wrk is missing: install it (apt install wrk, dnf install wrk)")
    cores = os.sched_getaffinity(0)
    if options.server_core == options.load_core or not {options.server_core, options.load_core} <= cores:
        raise CannotRun(f"needs two cores, of {sorted(cores)}: choose by --server-core and --load-core")


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
        rows = {entry.name: Row(entry) for entry in workload.entries if entry.server in servers}
        if rows:
            results.append(WorkloadResult(workload, rows))
    return results


def run(report: Report) -> None:
    """Fill the report's rows, round by round; each round begins with another server of a workload."""
    for number in range(report.rounds):
        for result in report.results:
            rows = list(result.rows.values())
            first = number % len(rows)
            for row in rows[first:] + rows[:first]:
                if not row.void:
                    measure(result.workload, row, report, number)


def measure(workload: Workload, row: Row, report: Report, number: int) -> None:
    """Take one sample, or void the row; say so on stderr."""
    try:
        sample = workload.measure(report.setting, row.entry)
    except (Void, OSError) as error:
        reason = str(error) if isinstance(error, Void) else f"{type(error).__name__}: {error}"
        row.void = f"round {number + 1}: {reason}"
        said = f"VOID: {reason}"
    else:
        row.samples.append(sample)
        said = f"{sample.value:9.{workload.metric.digits}f} {workload.metric.unit}"
        if "requests_per_s" in sample.details:
            said += f"  {sample.details['requests_per_s']:11,.0f}/s"
    place = f"round {number + 1}/{report.rounds}  {workload.name:<10} {row.entry.name:<20}"
    print(place, said, file=sys.stderr, flush=True)


def benchmark(options: argparse.Namespace) -> Report:
    """The whole run. Raises `CannotRun`."""
    check_machine(options)
    interpreter = ask(options.python)
    found = {name: SERVERS[name].version(interpreter) for name in options.servers}
    versions = {name: version for name, version in found.items() if version is not None}
    extent = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory(prefix="fastserve-bench-") as scratch:
        setting = Setting(
            interpreter.path,
            Path(scratch),
            options.server_core,
            options.load_core,
            extent.load_s,
            extent.starts,
        )
        report = Report(
            setting,
            options.rounds or extent.rounds,
            kernel.machine(),
            interpreter,
            versions,
            {name: SERVERS[name].install for name in found if name not in versions},
            plan(options.only, list(versions)),
        )
        for line in render.skipped(report):
            print(line, file=sys.stderr)
        # wrk inherits this, and so does every server until it is put on its own core.
        os.sched_setaffinity(0, {options.load_core})
        run(report)
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
    if options.json:
        options.json.write_text(json.dumps(render.to_json(report), indent=1) + "\n")
    print(render.markdown(report) if options.markdown else render.terminal(report))
    return EXIT_VOID if report.void else 0


if __name__ == "__main__":
    sys.exit(main())
