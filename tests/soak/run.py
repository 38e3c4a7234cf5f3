"""The server, its clients, and a measurement each second; what must hold at the end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wire.client import Client

from .traffic import Traffic

TESTS = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 60.0
#: Deadlines and lingering of what the last clients left behind.
REST_TIMEOUT_S = 45.0
MB = 1_000_000
#: Growth of memory in the second half of a run, which an allocator's habits may explain.
GROWTH_BYTES_MAX = 2 * MB
#: What the server may say on stderr. A machine that is busy with other things may hold its event loop.
SAID = re.compile(r"INFO:|WARNING:  Invalid HTTP request received|WARNING:  .* held the event loop for |$")


@dataclass
class Sample:
    at_s: float
    rss_bytes: int
    descriptors: int
    cpu_s: float
    answers: int
    offences: int


@dataclass
class Result:
    samples: list[Sample] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    status: int = 0

    @property
    def growth_bytes(self) -> int:
        """How much the median of the last tenth is above that of the tenth before the middle."""
        rss = [sample.rss_bytes for sample in self.samples]
        tenth = max(1, len(rss) // 10)
        middle = len(rss) // 2
        return int(statistics.median(rss[-tenth:]) - statistics.median(rss[middle - tenth : middle]))

    def faults(self) -> list[str]:
        """What does not hold."""
        kinds = ("connections", "sinks", "cycles", "tasks")
        left = {kind: (self.before[kind], self.after[kind]) for kind in kinds}
        return [
            *(f"wrong answer: {text}" for text in self.wrong[:5]),
            *(f"said: {line}" for line in self.said[:20]),
            *(f"{kind}: {was} before, {now} left" for kind, (was, now) in left.items() if was != now),
            *([f"memory grew by {self.growth_bytes}"] if self.growth_bytes > GROWTH_BYTES_MAX else []),
            *([f"ended with {self.status}"] if self.status not in (0, -15) else []),
        ]

    def summary(self) -> str:
        last = self.samples[-1]
        kind = "debug build" if self.after["debug"] else "release build"
        return (
            f"{last.at_s:.0f} s, {kind}: {last.answers} answers judged, {len(self.wrong)} wrong; "
            f"{last.offences} hostile connections; memory {last.rss_bytes / MB:.1f} MB at the end, "
            f"{self.growth_bytes / MB:+.2f} MB in the second half; "
            f"{last.cpu_s / last.at_s:.2f} processors used"
        )


class Server:
    """The process under test."""

    def __init__(self, stderr: Path, loop: str) -> None:
        self._stderr = stderr
        self._start_s = time.monotonic()
        with stderr.open("wb") as file:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "fastserve", "soak.app:app", "--app-dir", str(TESTS), "--port", "0",
                    # Longer than judges are silent on a busy machine, shorter than the rest at the end.
                    "--loop", loop, "--timeout-keep-alive", "20",
                ],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file,
            )  # fmt: skip
        self.port = self._await_port()

    def _await_port(self) -> int:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not (found := re.search(r"running on http://[^:\s]+:(\d+)", self._stderr.read_text())):
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                raise RuntimeError(f"the server did not start:\n{self._stderr.read_text()}")
            time.sleep(0.02)
        return int(found[1])

    def held(self) -> dict[str, Any]:
        with Client(self.port, timeout_s=30) as client:
            told: dict[str, Any] = client.ask(b"GET /__soak HTTP/1.1\r\nHost: a\r\n\r\n").json()
            return told

    def sample(self, begin_s: float, traffic: Traffic) -> Sample:
        proc = Path(f"/proc/{self.process.pid}")
        times = (proc / "stat").read_text().rpartition(")")[2].split()
        return Sample(
            time.monotonic() - begin_s,
            int((proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
            len(os.listdir(proc / "fd")),
            (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"),
            traffic.counts["answers"],
            traffic.counts["offences"],
        )


@contextlib.contextmanager
def _served(loop: str) -> Iterator[tuple[Server, Path]]:
    with tempfile.TemporaryDirectory(prefix="fastserve-soak-") as directory:
        stderr = Path(directory) / "stderr"
        server = Server(stderr, loop)
        try:
            yield server, stderr
        finally:
            if server.process.poll() is None:
                server.process.kill()
            server.process.wait()


def soak(seconds: float, seed: int, loop: str = "uvloop") -> Result:
    """Let the clients run for so long."""
    result = Result()
    with _served(loop) as (server, stderr):
        result.before = server.held()
        traffic = Traffic(server.port, seed)
        asyncio.run(_measure(server, traffic, seconds, result))
        result.wrong = traffic.wrong
        deadline_s = time.monotonic() + REST_TIMEOUT_S
        while True:
            result.after = server.held()
            if all(result.after[kind] == result.before[kind] for kind in ("connections", "tasks")):
                break
            if time.monotonic() > deadline_s:
                break
            time.sleep(0.2)
        server.process.terminate()
        result.status = server.process.wait(60)
        result.said = [line for line in stderr.read_text().splitlines() if not SAID.match(line)]
    return result


async def _measure(server: Server, traffic: Traffic, seconds: float, result: Result) -> None:
    begin_s = time.monotonic()
    running = asyncio.ensure_future(traffic.run())
    while time.monotonic() - begin_s < seconds and not running.done():
        await asyncio.sleep(min(1.0, seconds / 20))
        result.samples.append(server.sample(begin_s, traffic))
    if running.done():
        running.result()  # raises what ended it
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
