"""From the spawn of the server to its first answer, the interpreter's own start included."""

import os
import statistics
import subprocess
import time
from dataclasses import dataclass

from bench.apps.plain_asgi import HELLO
from bench.serving import serving
from bench.workload import TIME_TO_ANSWER, Comparison, Entry, Group, Sample, Setting, Workload
from fastserve.measure import probe
from fastserve.measure.process import on_cores
from fastserve.measure.spread import Void

EXCHANGE = probe.Exchange(answer=HELLO)
IMPORT_UVLOOP = "import uvloop"
READY = b"1"
IMPORT = Entry("floor", label=IMPORT_UVLOOP)
"""The part of the floor's start that no server on uvloop can leave out."""
IMPORT_PROGRAM = f"{IMPORT_UVLOOP}, os; os.write(1, {READY!r})"


@dataclass(frozen=True, kw_only=True)
class StartWorkload(Workload):
    """The median over `starts` starts, behind one that does not count: it fills the file cache."""

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Start, ask until it answers, stop; and again."""
        once = import_time if entry.label == IMPORT_UVLOOP else start_time
        once(setting, entry)
        times = [once(setting, entry) * 1000 for _ in range(setting.starts)]
        return Sample(statistics.median(times), {"min_ms": min(times), "max_ms": max(times)})


def start_time(setting: Setting, entry: Entry) -> float:
    """Seconds from spawn to answer."""
    with serving(setting, entry, floor="hello") as server, server.connect_first() as client:
        probe.check(client, EXCHANGE)
        return time.perf_counter() - server.spawned_s


def import_time(setting: Setting, entry: Entry) -> float:
    """Seconds from spawn until the interpreter has imported uvloop and says so."""
    begin_s = time.perf_counter()
    process = subprocess.Popen(
        [setting.python, "-c", IMPORT_PROGRAM],
        cwd=setting.scratch,
        stdout=subprocess.PIPE,
        preexec_fn=on_cores({setting.server_cores[0]}),
    )
    with process:
        assert process.stdout is not None
        said = os.read(process.stdout.fileno(), len(READY))
        seconds = time.perf_counter() - begin_s
    if said != READY:
        raise Void("uvloop cannot be imported")
    return seconds


WORKLOAD = StartWorkload(
    name="start",
    title="start to first answer",
    group=Group.PROCESS,
    rank=60,
    quick=True,
    metric=TIME_TO_ANSWER,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("granian"), Entry("floor"), IMPORT),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", at_most=110),
        Comparison("fastserve", "floor"),
        Comparison("fastserve", IMPORT_UVLOOP),
        Comparison("uvicorn", "fastserve"),
    ),
)
