"""What does the kernel say of a process and its children? CPU time, memory, the machine (Linux, proc(5))."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import NamedTuple

from fastserve.measure.spread import Void

PROC = Path("/proc")
SETTLE_STEP_S = 0.02
SETTLED_SHARE = 0.05
"""Settled: in one step, the server runs for less than this share of it."""
SETTLE_TIMEOUT_S = 2.0


class CpuTime(NamedTuple):
    """Nanoseconds on a core, and nanoseconds of waiting for one that others had."""

    run_ns: int
    wait_ns: int


CpuReading = dict[int, CpuTime]
"""By process id."""


def process_tree(root: int) -> list[int]:
    """The process `root` and all its descendants."""
    parents: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue  # it has ended meanwhile
            # The second field is the command in parentheses, and may itself hold any of ") (".
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    tree = [root]
    for member in tree:
        tree.extend(pid for pid, parent in parents.items() if parent == member)
    return tree


def read_cpu(root: int) -> CpuReading:
    """CPU time of each process of a tree, user and kernel together, of all threads that it has and had.

    That is what the process's own CPU clock says (clock_getcpuclockid(3)), in the scheduler's nanoseconds;
    ``stat`` counts 10 ms ticks. The time of waiting is that of the threads that are there (``schedstat``).
    """
    reading: CpuReading = {}
    for pid in process_tree(root):
        try:
            run_ns = time.clock_gettime_ns(_cpu_clock(pid))
            reading[pid] = CpuTime(run_ns, sum(map(_waited_ns, (PROC / str(pid) / "task").iterdir())))
        except OSError as error:
            raise Void(f"process {pid} ended during the measurement") from error
    return reading


def _cpu_clock(pid: int) -> int:
    """The identifier of a process's CPU clock, as the kernel makes it."""
    return (~pid << 3) | 2


def _waited_ns(thread: Path) -> int:
    try:
        return int((thread / "schedstat").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0  # the thread has ended meanwhile


def cpu_between(before: CpuReading, after: CpuReading) -> CpuTime:
    """The time of all processes together between two readings.

    A process that has ended takes its time with it, so it voids the measurement. A new one counts whole.
    """
    if not before.keys() <= after.keys():
        raise Void("a process of the server ended during the measurement, and its CPU time with it")
    run_ns, wait_ns = (
        sum(time[i] for time in after.values()) - sum(time[i] for time in before.values()) for i in (0, 1)
    )
    return CpuTime(run_ns, max(wait_ns, 0))


def shares(cpu: CpuTime, duration_s: float) -> dict[str, float]:
    """Of a run on one core: how much of it the server worked, and how much it stood ready while others had
    the core.

    Threads of one server wait for each other too; that is no more than the time in which none of them ran.
    """
    busy = cpu.run_ns / 1e9 / duration_s
    return {"server_busy": busy, "server_waited": min(cpu.wait_ns / 1e9 / duration_s, max(1 - busy, 0.0))}


def settled_cpu(root: int) -> CpuReading:
    """CPU time of a process tree once it is at rest: what a load has left (closed connections) is done.

    Raises `Void` where it does not come to rest.
    """
    reading = read_cpu(root)
    deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
    while time.monotonic() < deadline_s:
        time.sleep(SETTLE_STEP_S)
        last, reading = reading, read_cpu(root)
        if cpu_between(last, reading).run_ns < SETTLED_SHARE * SETTLE_STEP_S * 1e9:
            return reading
    raise Void(f"the server still works {SETTLE_TIMEOUT_S:g} s after the load")


def private_memory(root: int) -> int:
    """Bytes of memory that the process tree alone holds (``Private_Dirty``): its heap, not its files."""
    total = 0
    for pid in process_tree(root):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "Private_Dirty":
                total += int(rest.split()[0]) * 1024
    return total


def resident(root: int) -> int:
    """Bytes of the process tree that are in memory now (``VmRSS``)."""
    return _status(root, "VmRSS")


def resident_peak(root: int) -> int:
    """The most that each process of the tree ever had in memory (``VmHWM``), together."""
    return _status(root, "VmHWM")


def _status(root: int, field: str) -> int:
    total = 0
    for pid in process_tree(root):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == field:
                total += int(rest.split()[0]) * 1024
    return total


def machine() -> dict[str, str | int]:
    """The class of this machine: what a reader needs to judge the numbers."""
    model = platform.machine()
    for line in (PROC / "cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return {
        "cpu": model,
        "architecture": platform.machine(),
        "cores": os.cpu_count() or 1,
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
    }
