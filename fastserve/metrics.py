"""What do the counted numbers look like to a monitoring system?

In OpenMetrics, or Prometheus' older text where that is asked for, as prometheus_client writes them. The
numbers are those of one process or of several, see `tally.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest as older_text
from prometheus_client.openmetrics import exposition

from fastserve.tally import Numbers

__all__ = ["FAMILIES", "page"]

_open_metrics: Callable[[CollectorRegistry], bytes] = exposition.generate_latest

#: `key of the numbers`: the metric's name, what it tells, and its labels, whose values are one text in the
#: numbers, with spaces between them.
_Described = Mapping[str, tuple[str, str, tuple[str, ...]]]
_COUNTERS: _Described = {
    "requests": (
        "fastserve_requests",
        "Requests that were answered, or left by their client (499).",
        ("method", "status"),
    ),
    "bytes_received": ("fastserve_request_body_bytes", "Bytes of the bodies of requests.", ()),
    "bytes_sent": ("fastserve_response_body_bytes", "Bytes of the bodies of answers.", ()),
    "refusals": (
        "fastserve_requests_refused",
        "What was turned away, by the server's own reason.",
        ("reason",),
    ),
    "limits": ("fastserve_limits_hit", "How often a limit was met, by the option's name.", ("limit",)),
    "websockets": ("fastserve_websockets", "Requests that have become a WebSocket.", ()),
    "holds": ("fastserve_loop_holds", "How often something held the event loop for --blocked-loop-ms.", ()),
    "held_s": ("fastserve_loop_held_seconds", "For how long in all.", ()),
    "worker_starts": ("fastserve_worker_starts", "Worker processes that were started.", ()),
    "worker_failures": (
        "fastserve_worker_failures",
        "Those that ended unasked, by how they ended.",
        ("how",),
    ),
}
_GAUGES: _Described = {
    "connections": ("fastserve_connections", "Open connections.", ()),
    "in_flight": ("fastserve_requests_in_flight", "Requests whose application has not returned.", ()),
    "websockets_open": ("fastserve_websockets_open", "Open WebSockets.", ()),
    "threads": ("fastserve_threads", "Threads for code that blocks, by pool.", ("pool",)),
    "threads_in_use": ("fastserve_threads_in_use", "Those that work.", ("pool",)),
    "threads_waited_for": ("fastserve_threads_waited_for", "Calls that wait for a thread.", ("pool",)),
    "workers": ("fastserve_workers", "Worker processes, by state.", ("state",)),
}
_HISTOGRAMS = {
    "duration": (
        "fastserve_request_duration_seconds",
        "From the head of a request to the end of its answer.",
    ),
    "lag": ("fastserve_loop_lag_seconds", "How late the event loop comes to what is due."),
}

#: The names of all metrics, and their labels.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    **{f"{name}_total": labels for name, _, labels in _COUNTERS.values()},
    **{name: labels for name, _, labels in _GAUGES.values()},
    **{name: () for name, _ in _HISTOGRAMS.values()},
}


class _Collector:
    def __init__(self, numbers: Numbers) -> None:
        self._total: Numbers = numbers.get("total", {})
        self._now: Numbers = numbers.get("now", {})

    def collect(self) -> Iterator[Metric]:
        for kind, described, numbers in (
            (CounterMetricFamily, _COUNTERS, self._total),
            (GaugeMetricFamily, _GAUGES, self._now),
        ):
            for key, (name, text, labels) in described.items():
                if key not in numbers:
                    continue
                family = kind(name, text, labels=labels)
                for values, number in numbers[key].items() if labels else [("", numbers[key])]:
                    family.add_metric(values.split(" ", len(labels) - 1) if labels else (), number)
                yield family
        for key, (name, text) in _HISTOGRAMS.items():
            if f"{key}s" in self._total:
                buckets = _cumulated(self._total[f"{key}s"])
                yield HistogramMetricFamily(name, text, buckets=buckets, sum_value=self._total[f"{key}_s"])


def _cumulated(counts: Mapping[str, int]) -> list[tuple[str, float]]:
    total, found = 0, []
    for bound, count in counts.items():
        total += count
        found.append((bound, float(total)))
    return found


def page(numbers: Numbers, accept: str) -> tuple[bytes, str]:
    """Return the page for who sends this Accept field, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    collector: Any = _Collector(numbers)
    registry.register(collector)
    # prometheus_client's own choice fails at a version that is none (`version=x`).
    if "application/openmetrics-text" in accept:
        return _open_metrics(registry), "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return older_text(registry), "text/plain; version=0.0.4; charset=utf-8"
