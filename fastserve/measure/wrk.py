"""What did one run of wrk count, and may it be believed?

wrk is one thread on one core. It sends the next request of a connection when it has the answer to the last: a
server is found at its limit, or wrk is. `Load.busy` tells which of the two.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastserve.measure.spread import Void

__all__ = ["REPORT", "Load", "check", "installed", "load"]

DIRECTORY = Path(__file__).resolve().parent
REPORT = DIRECTORY / "report.lua"
"""The script of a plain GET; others ``require("report")``, for wrk runs in this directory."""

TIMEOUT_S = 30


@dataclass(frozen=True)
class Load:
    """What one run of wrk counted. `busy` is the share of the run that wrk's core worked."""

    requests: int
    bytes_read: int
    duration_s: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    errors: Mapping[str, int]
    busy: float

    @classmethod
    def parse(cls, line: str, busy_s: float) -> Load:
        """From the line that report.lua prints, and the CPU seconds of wrk."""
        said = json.loads(line)
        duration_s = said["duration_us"] / 1e6
        return cls(
            said["requests"],
            said["bytes"],
            duration_s,
            said["p50_us"] / 1e3,
            said["p99_us"] / 1e3,
            said["p999_us"] / 1e3,
            said["errors"],
            busy_s / duration_s,
        )


def installed() -> bool:
    """Is wrk on the PATH?"""
    return shutil.which("wrk") is not None


def load(
    url: str, connections: int, seconds: int, script: Path = REPORT, arguments: Sequence[str] = ()
) -> Load:
    """Run wrk. Raises `Void` where it fails."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url, "--", *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        run = subprocess.run(
            command, cwd=DIRECTORY, capture_output=True, text=True, timeout=seconds + TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise Void("wrk did not end") from None
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode:
        raise Void(f"wrk ended with code {run.returncode}: {run.stderr.strip()}")
    busy_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Load.parse(run.stderr.splitlines()[-1], busy_s)


def check(load: Load, answer_bytes: int | None, in_flight: int) -> None:
    """Hold wrk's count of bytes to its count of answers, where their length is known, and allow no error.

    At the end of a run up to `in_flight` answers are read in part, and wrk counts their bytes alone.
    """
    errors = {name: count for name, count in load.errors.items() if count}
    if errors:
        raise Void("wrk saw errors: " + ", ".join(f"{count} × {name}" for name, count in errors.items()))
    if not load.requests:
        raise Void("no request was answered")
    if answer_bytes is None:
        return
    surplus = load.bytes_read - load.requests * answer_bytes
    if not 0 <= surplus <= in_flight * answer_bytes:
        raise Void(f"wrk read {load.bytes_read} bytes in {load.requests} answers of {answer_bytes}")
