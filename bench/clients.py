"""How do the load clients in C run: those for what wrk cannot do?

Each is one file in C, compiled when it is needed. It prints "warm" behind its warm-up, and, when it is
through, one line of JSON; an error is a line on stderr. Behind "warm" it is sent a line, for which a client
that leaves its core to nobody waits.
"""

from __future__ import annotations

import contextlib
import functools
import json
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fastserve.measure import kernel
from fastserve.measure.process import Running
from fastserve.measure.spread import Void

SOURCES = Path(__file__).resolve().parent
TIMEOUT_S = 30


@dataclass(frozen=True)
class Counted:
    """What a client printed, what the server spent on it, and for which share of the run the client
    worked."""

    numbers: dict[str, float]
    cpu: kernel.CpuTime
    busy: float


@functools.cache
def built(name: str, scratch: Path) -> Path:
    """The client, compiled. Raises `Void` where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Void("needs a C compiler for its load client")
    program = scratch / name
    subprocess.run([compiler, "-O2", "-o", str(program), str(SOURCES / f"{name}.c")], check=True)
    return program


def run(program: Path, server: Running, words: list[str], warm_up_s: float) -> Counted:
    """Run the client against the server, and read the server's CPU time from "warm" to the end."""
    begin_s = cpu_of_children_s()
    pipe = subprocess.PIPE
    command = [str(program), str(server.port), *words]
    client = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    with client:
        assert client.stdin is not None and client.stdout is not None
        if client.stdout.readline() == "warm\n":
            before = kernel.read_cpu(server.pid)
            with contextlib.suppress(BrokenPipeError):  # its stderr tells
                client.stdin.write("\n")
                client.stdin.flush()
            line = client.stdout.readline()
            cpu = kernel.cpu_between(before, kernel.read_cpu(server.pid))
        said = client.communicate(timeout=TIMEOUT_S)[1]
    if client.returncode:
        server.check_alive()
        raise Void(f"the load client ended with code {client.returncode}: {said.strip()}")
    numbers: dict[str, float] = json.loads(line)
    busy_s = cpu_of_children_s() - begin_s
    return Counted(numbers, cpu, min(busy_s / (numbers["duration_s"] + warm_up_s), 1.0))


def cpu_of_children_s() -> float:
    """CPU time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
