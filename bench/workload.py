"""What is a workload, what does one measurement give, and what is compared?"""

from __future__ import annotations

import abc
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PythonVersion = tuple[int, int]


@dataclass(frozen=True)
class Setting:
    """How this run of the benchmark measures.

    `python` runs fastserve, `peers` the other servers. `server_cores` and `load_core` are CPU numbers;
    `connections` is the number that load clients keep open; `held` is the number of idle connections;
    `starts` is how often a server is started for one start-up sample.
    """

    python: str
    peers: str
    scratch: Path
    server_cores: tuple[int, ...]
    load_core: int
    load_s: int
    starts: int
    warm_up_s: int = 1
    connections: int = 64
    held: int = 2000


class Group(enum.Enum):
    """What a workload is about: its place in the report, under this title. Each is one chart."""

    HTTP = "HTTP, an application that does nothing"
    APPLICATION = "Applications written with frameworks"
    LATENCY = "Latency"
    WSGI = "WSGI"
    WEBSOCKET = "WebSocket"
    TLS = "TLS"
    PROCESS = "Memory, connections, processes"


@dataclass(frozen=True)
class Metric:
    """What a workload's samples count; less is better. `digits` are shown behind the point."""

    name: str
    unit: str
    digits: int


CPU_PER_REQUEST = Metric("server CPU per request", "µs", 2)
LATENCY = Metric("99th percentile of latency", "ms", 2)
CPU_PER_MESSAGE = Metric("server CPU per message", "µs", 2)
MEMORY_PER_CONNECTION = Metric("memory per connection", "KB", 2)
TIME_TO_ANSWER = Metric("start to first answer", "ms", 1)


@dataclass(frozen=True)
class Entry:
    """One row of a workload: a server, by its name in `bench.servers`, and how it is started here.

    `app` is a file of bench/apps and its attribute. `options` are further words of the server's own command
    line. `resumed` is for the load client: its clients resume their TLS sessions.
    """

    server: str
    label: str = ""
    app: str = "plain_asgi:app"
    options: tuple[str, ...] = ()
    access_log: bool = False
    tls: bool = False
    resumed: bool = False
    workers: int = 1

    @property
    def name(self) -> str:
        """The row's name, unique in its workload."""
        return self.label or self.server


def entries(*servers: str, app: str = "plain_asgi:app", access_log: bool = False) -> tuple[Entry, ...]:
    """One plain row for each server."""
    return tuple(Entry(server, app=app, access_log=access_log) for server in servers)


@dataclass(frozen=True)
class Sample:
    """One measurement: `value` in the unit of the workload's metric, and what else was seen on the way."""

    value: float
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Two rows as a ratio (or one row's own value, without a `denominator`), and the goal for it, if any.

    `beyond` is a row whose value is taken from both first: what they have in common. `python_from` and
    `python_below` bound the CPython versions for which the comparison is made.
    """

    numerator: str
    denominator: str | None = None
    beyond: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    python_from: PythonVersion | None = None
    python_below: PythonVersion | None = None

    @property
    def name(self) -> str:
        """As it is printed: ``fastserve / floor``."""
        name = f"{self.numerator} / {self.denominator}" if self.denominator else self.numerator
        return f"{name}, beyond {self.beyond}" if self.beyond else name

    @property
    def rows(self) -> list[str]:
        """The names of its rows."""
        return [name for name in (self.numerator, self.denominator, self.beyond) if name is not None]

    @property
    def goal(self) -> str:
        """The goal as it is printed, ``≤ 1.3``; empty without one."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else ""

    def applies_to(self, version: PythonVersion) -> bool:
        """Is it made when the servers run on this CPython?"""
        return (self.python_from is None or version >= self.python_from) and (
            self.python_below is None or version < self.python_below
        )


@dataclass(frozen=True, kw_only=True)
class Workload(abc.ABC):
    """One question to the servers. Each file of `bench.workloads` holds one as ``WORKLOAD``.

    `name` is the file's. Within its group, a workload stands by `rank` (less first), then by name. `quick`
    workloads are those of a first look (``--quick``). `program` (of `bench.programs`) is a load client that
    may be missing; the workload is then left out.
    """

    name: str
    title: str
    group: Group
    metric: Metric
    entries: tuple[Entry, ...]
    comparisons: tuple[Comparison, ...]
    rank: int = 50
    quick: bool = False
    program: str = ""

    @abc.abstractmethod
    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Start the entry's server, measure once, stop it.

        Raises `fastserve.measure.spread.Void` when the server fails, or answers wrongly.
        """
