"""What is the server doing, second by second? (`fastserve top`)

Asks the control socket once a second and shows the answers: the workers, how much they serve and how fast,
and the requests that have been in hand for longest, with the line of the application at which each is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fastserve.tally import Numbers, quantile

__all__ = ["View", "watch"]

_INTERVAL_S = 1.0
_HISTORY = 60
_REQUESTS_MAX = 8
_BARS = " ▁▂▃▄▅▆▇█"

#: Asks the server: `numbers` or `requests`.
Ask = Callable[[str], dict[str, Any]]


class View:
    """What is shown, after each `take()`."""

    def __init__(self) -> None:
        self._told: dict[str, Any] = {}
        self._requests: list[tuple[str, dict[str, Any]]] = []
        self._silent: list[str] = []
        self._before: Numbers | None = None
        self._before_s = 0.0
        self._figures: dict[str, float] = {}
        self._history: dict[str, deque[float]] = {}

    def take(self, told: dict[str, Any], requests: Mapping[str, Any], now_s: float) -> None:
        """Take the answers to `numbers` and `requests`."""
        self._told = told
        self._silent = [pid for pid, found in requests.items() if found is None]
        found = [(pid, one) for pid, ones in requests.items() for one in ones or ()]
        self._requests = sorted(found, key=lambda one: -(one[1]["age_s"] or 0))
        total, now = told["sum"]["total"], told["sum"]["now"]
        if self._before is not None and now_s > self._before_s:
            self._measure(total, self._before, now_s - self._before_s)
        self._figures["in hand"] = now.get("in_flight", 0)
        self._figures["connections"] = now.get("connections", 0)
        for name, figure in self._figures.items():
            self._history.setdefault(name, deque(maxlen=_HISTORY)).append(figure)
        self._before, self._before_s = total, now_s

    def _measure(self, total: Numbers, before: Numbers, span_s: float) -> None:
        counts = _added(total.get("requests", {}), before.get("requests", {}))
        failed = sum(count for name, count in counts.items() if name.split()[1] >= "500")
        self._figures["requests/s"] = sum(counts.values()) / span_s
        self._figures["5xx/s"] = failed / span_s
        for name, key in (("latency", "durations"), ("loop lag", "lags")):
            added = _added(total.get(key, {}), before.get(key, {}))
            for percent in (50, 99):
                self._figures[f"{name} p{percent} ms"] = quantile(added, percent) * 1000
        self._figures["blocked ms/s"] = (total.get("held_s", 0) - before.get("held_s", 0)) / span_s * 1000

    def shown(self) -> RenderableType:
        told = self._told
        head = f"fastserve {told['version']}, {told['state']}, on {told['address']}"
        return Group(Text(head, style="bold"), self._figures_table(), self._workers_table(), *self._in_hand())

    def _figures_table(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for title in ("", "now", "the last minute"):
            table.add_column(title, justify="right" if title == "now" else "left")
        for name, figure in self._figures.items():
            is_bad = name in ("5xx/s", "blocked ms/s") and figure > 0
            line = _sparkline(self._history[name])
            table.add_row(name, Text(f"{figure:,.1f}", style="bold red" if is_bad else ""), line)
        return table

    def _workers_table(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
        for title in ("worker", "state", "requests", "connections", "in hand", "blocked", "memory"):
            table.add_column(title, justify="left" if title in ("worker", "state") else "right")
        for worker in self._told["workers"]:
            numbers = self._told["numbers"].get(str(worker["pid"]), {})
            now, total = numbers.get("now", {}), numbers.get("total", {})
            table.add_row(
                str(worker["pid"]), worker["state"], f"{worker['requests']:,}", f"{worker['connections']:,}",
                str(now.get("in_flight", "")), str(total.get("holds", "")),
                f"{worker['memory_bytes'] / 2**20:.0f} MB",
            )  # fmt: skip
        return table

    def _in_hand(self) -> Sequence[RenderableType]:
        lines = [
            Text(f"worker {pid} does not answer: something keeps its interpreter", "bold red")
            for pid in self._silent
        ]
        for pid, one in self._requests[:_REQUESTS_MAX]:
            age = "" if one["age_s"] is None else f"{one['age_s']:.1f} s"
            style = "bold red" if one["doing"] == "runs" else "bold"
            path = one["path"].encode("unicode_escape").decode("ascii")
            lines.append(Text.assemble((f"{one['method']} {path}", style), f" {one['doing']}, {age}, {pid}"))
            lines += [Text(f"    {place}", style="dim") for place in one["where"][:2]]
        left = len(self._requests) - _REQUESTS_MAX
        if left > 0:
            lines.append(Text(f"and {left} more", style="dim"))
        return [Text("Longest in hand", style="underline"), *(lines or [Text("none")])]


def _added(total: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    return {key: count - before.get(key, 0) for key, count in total.items()}


def _sparkline(figures: Sequence[float]) -> str:
    most = max(figures, default=0) or 1
    return "".join(_BARS[round(max(0.0, figure) / most * (len(_BARS) - 1))] for figure in figures)


def watch(ask: Ask, rounds: int | None, picture: str | None) -> None:
    """Show it until interrupted, or so many times; `picture` is a file for an SVG of the last time."""
    view = View()
    console = Console(record=picture is not None)

    def look() -> RenderableType:
        view.take(ask("numbers"), ask("requests")["workers"], time.monotonic())
        return view.shown()

    last = look()
    if rounds is None:
        with Live(last, console=console, screen=console.is_terminal, auto_refresh=False) as live:
            try:
                while True:
                    time.sleep(_INTERVAL_S)
                    live.update(look(), refresh=True)
            except KeyboardInterrupt:
                return
    for _ in range(rounds - 1):
        time.sleep(_INTERVAL_S)
        last = look()
    console.print(last)
    if picture is not None:
        console.save_svg(picture, title="fastserve top")
