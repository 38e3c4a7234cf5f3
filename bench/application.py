"""What does a request of an application cost under a server, and how much of it is the application's own?"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass

from bench.load import LoadWorkload
from bench.servers import APPS, ASGI, ROOT
from bench.workload import Comparison, Entry, Sample, Setting
from bench.workload import entries as plain_entries
from fastserve.measure.process import on_cores
from fastserve.measure.spread import Void

ALONE = "the application alone"
TIMEOUT_S = 30

COMPARISONS = (
    Comparison("uvicorn", "fastserve"),
    Comparison("granian", "fastserve"),
    Comparison("uvicorn", "fastserve", beyond=ALONE, at_least=3),
    Comparison("fastserve", ALONE),
)
"""What a user gets, and what the server's share of it is: a third of uvicorn's at most."""


def entries(app: str) -> tuple[Entry, ...]:
    """The usual servers, and the application without one."""
    return (*plain_entries(*ASGI, app=app), Entry("floor", label=ALONE, app=app))


@dataclass(frozen=True, kw_only=True)
class ApplicationWorkload(LoadWorkload):
    """As its base; one of the rows is the application alone, by `bench.alone`."""

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """A server's row as ever; the other one by its own CPU clock."""
        return alone(setting, entry, self) if entry.label == ALONE else super().measure(setting, entry)


def alone(setting: Setting, entry: Entry, workload: LoadWorkload) -> Sample:
    """The application's CPU time for a call, on the server's core."""
    exchange = workload.exchange
    command = [setting.python, "-m", "bench.alone", entry.app, exchange.path, exchange.answer.decode()]
    command += ["--seconds", str(setting.load_s), "--warm-up", str(setting.warm_up_s)]
    run = subprocess.run(
        command,
        cwd=setting.scratch,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{APPS}"},
        capture_output=True,
        text=True,
        timeout=setting.load_s + setting.warm_up_s + TIMEOUT_S,
        preexec_fn=on_cores({setting.server_cores[0]}),
    )
    if run.returncode:
        raise Void(f"the application alone ended with code {run.returncode}: {run.stderr.strip()}")
    return Sample(json.loads(run.stdout)["cpu_us"])
