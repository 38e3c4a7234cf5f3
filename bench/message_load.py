"""What does a server spend on a WebSocket message that the application sends back?"""

import functools
import json
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.serving import serving
from bench.workload import Entry, Sample, Setting, Workload
from fastserve.measure import kernel
from fastserve.measure.process import Running
from fastserve.measure.spread import Void

SOURCE = Path(__file__).resolve().parent / "messages.c"
TIMEOUT_S = 30
FLOOR = "messages"


@functools.lru_cache(maxsize=1)
def load_client(scratch: Path) -> Path:
    """The client of messages.c, compiled. Raises `Void` where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Void("needs a C compiler for its load client")
    built = scratch / "messages"
    subprocess.run([compiler, "-O2", "-o", str(built), str(SOURCE)], check=True)
    return built


def cpu_of_children_s() -> float:
    """CPU time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True, kw_only=True)
class MessageWorkload(Workload):
    """`connections` of the setting, each with one message of `size_bytes` under way, again and again.

    The client compares every byte that comes back, and fails on the first that is wrong.
    """

    size_bytes: int

    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Warm up, then read the server's CPU time before and behind the counted run."""
        with serving(setting, entry, FLOOR) as server:
            server.connect_first().close()
            before_s = cpu_of_children_s()
            counted, cpu = self._run(setting, server)
            busy_s = cpu_of_children_s() - before_s
            server.check_alive()
        return Sample(
            cpu.run_ns / 1000 / counted["messages"],
            {
                "requests_per_s": counted["messages"] / counted["duration_s"],
                "p50_ms": counted["p50_ms"],
                "p99_ms": counted["p99_ms"],
                "server_busy": cpu.run_ns / 1e9 / counted["duration_s"],
                "server_waited": cpu.wait_ns / 1e9 / counted["duration_s"],
                "load_busy": min(busy_s / (counted["duration_s"] + setting.warm_up_s), 1.0),
                "requests": counted["messages"],
            },
        )

    def _run(self, setting: Setting, server: Running) -> tuple[dict[str, float], kernel.CpuTime]:
        words = [setting.connections, self.size_bytes, setting.load_s, setting.warm_up_s]
        command = [str(load_client(setting.scratch)), str(server.port), *map(str, words)]
        client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with client:
            assert client.stdout is not None
            if client.stdout.readline() == "warm\n":
                before = kernel.read_cpu(server.pid)
                line = client.stdout.readline()
                cpu = kernel.cpu_between(before, kernel.read_cpu(server.pid))
            said = client.communicate(timeout=TIMEOUT_S)[1]
        if client.returncode:
            server.check_alive()
            raise Void(f"the load client ended with code {client.returncode}: {said.strip()}")
        counted: dict[str, float] = json.loads(line)
        return counted, cpu
