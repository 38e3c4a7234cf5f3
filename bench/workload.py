"""What is a workload, what does one measurement give, and what is compared?"""

import abc
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PythonVersion = tuple[int, int]


class Void(Exception):
    """A measurement that counts for nothing; the message says why. It voids its row in every round."""


@dataclass(frozen=True)
class Setting:
    """How this run of the benchmark measures.

    `server_core` and `load_core` are CPU numbers; `connections` is wrk's number of connections; `held` is the
    number of idle connections; `starts` is how often a server is started for one start-up sample.
    """

    python: str
    scratch: Path
    server_core: int
    load_core: int
    load_s: int
    starts: int
    warm_up_s: int = 1
    connections: int = 64
    held: int = 2000


@dataclass(frozen=True)
class Metric:
    """What a workload's samples count. `digits` are shown behind the point."""

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
    """One row of a workload: a server, by its name in `bench.servers`; with an access log, under TLS.

    `resumed`: its clients resume their TLS sessions.
    """

    server: str
    access_log: bool = False
    label: str = ""
    tls: bool = False
    resumed: bool = False
    app: str = "app:app"

    @property
    def name(self) -> str:
        """The row's name, unique in its workload."""
        return self.label or self.server


@dataclass(frozen=True)
class Sample:
    """One measurement: `value` in the unit of the workload's metric, and what else was seen on the way."""

    value: float
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Two rows as a ratio (or one row's own value, without a `denominator`), and the goal for it, if any.

    `python_from` and `python_below` bound the CPython versions for which the comparison is made.
    """

    numerator: str
    denominator: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    python_from: PythonVersion | None = None
    python_below: PythonVersion | None = None

    @property
    def name(self) -> str:
        """As it is printed: ``fastserve / floor``."""
        return f"{self.numerator} / {self.denominator}" if self.denominator else self.numerator

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
    """One question to the servers. Each file of `bench.workloads` holds one as ``WORKLOAD``."""

    name: str
    title: str
    metric: Metric
    entries: tuple[Entry, ...]
    comparisons: tuple[Comparison, ...]

    @abc.abstractmethod
    def measure(self, setting: Setting, entry: Entry) -> Sample:
        """Start the entry's server, measure once, stop it.

        Raises `Void` when the server fails, or answers wrongly.
        """
