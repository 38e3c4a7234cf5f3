"""An application under two servers in turn: which of them spends less, or can nobody tell?"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fastserve.measure import probe, wrk
from fastserve.measure.cost import Cost, under_load
from fastserve.measure.process import Running, free_port, running
from fastserve.measure.spread import Side, Spread, Void, ratios

__all__ = ["Contender", "Ground", "verdict"]

DISTURBED = 0.1
"""The share of a run in which others had the server's core; beyond it, the caches are theirs too."""


@dataclass(frozen=True)
class Ground:
    """How it is measured: an application's path, by so many connections; a server on one core, wrk on
    another."""

    path: str
    connections: int
    load_s: int
    scratch: Path
    server_core: int
    environment: Mapping[str, str]
    warm_up_s: int = 1


@dataclass
class Contender:
    """A server, as the words of its command for a port, and what was measured, round by round."""

    name: str
    command: Callable[[int], list[str]]
    costs: list[Cost] = field(default_factory=list)
    answer: bytes = b""

    def measure(self, ground: Ground) -> Cost:
        """One round. Raises `Void` where an answer is wrong, or the server or wrk fails."""
        port = free_port()
        command = self.command(port)
        cores, here = {ground.server_core}, Path.cwd()  # as the application is used to
        with running(command, port, cores, ground.scratch, ground.environment, here) as server:
            answer_bytes = self._probe(server, ground.path)
            url = f"http://127.0.0.1:{port}{ground.path}"
            cost = under_load(server, url, ground.connections, ground.warm_up_s, ground.load_s)
        wrk.check(cost.load, answer_bytes, ground.connections)
        self.costs.append(cost)
        return cost

    def _probe(self, server: Running, path: str) -> int | None:
        """The length of an answer on the wire, where two have the same."""
        lengths = set()
        with contextlib.closing(server.connect_first()) as client:
            for _ in range(2):
                self.answer, length = probe.ask(client, probe.Exchange(answer=b"", path=path))
                lengths.add(length)
        return lengths.pop() if len(lengths) == 1 else None

    def spread(self, name: str) -> Spread:
        """Of one of the details of the costs."""
        return Spread.of(cost.details[name] for cost in self.costs)

    @property
    def cpu_us(self) -> list[float]:
        """CPU time for each request, round by round."""
        return [cost.cpu_us for cost in self.costs]

    @property
    def disturbed(self) -> bool:
        """Did others have the server's core for a part of a round?"""
        return max(cost.details["server_waited"] for cost in self.costs) > DISTURBED


def verdict(ours: Contender, theirs: Contender) -> str:
    """In plain words, from the ratios of the rounds."""
    said = ratios(theirs.cpu_us, ours.cpu_us)
    side = said.side_of(1)
    rounds = f"{len(ours.costs)} rounds: {said.low:.2f} to {said.high:.2f}"
    if side is Side.NOISE:
        return (
            f"No difference beyond the noise: {theirs.name} takes {said.median:.2f} times the CPU time of "
            f"{ours.name} for a request ({rounds})."
        )
    if side is Side.ABOVE:
        return f"{ours.name} spends less: {theirs.name} takes {said.median:.2f} times the time ({rounds})."
    turned = ratios(ours.cpu_us, theirs.cpu_us)
    return (
        f"{theirs.name} spends less: {ours.name} takes {turned.median:.2f} times the time "
        f"({len(ours.costs)} rounds: {turned.low:.2f} to {turned.high:.2f})."
    )


def check_same(contenders: Sequence[Contender]) -> None:
    """Raise `Void` where the servers' answers have different bodies by their length: one of them errs."""
    lengths = {contender.name: len(contender.answer) for contender in contenders}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{length} bytes from {name}" for name, length in lengths.items())
        raise Void(f"the answers differ: {said}")
