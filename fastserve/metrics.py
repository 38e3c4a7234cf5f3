"""What do the counted numbers look like to a monitoring system?

In OpenMetrics, or Prometheus' older text where that is asked for, as prometheus_client writes them. The
numbers come as a snapshot, a dict that JSON can hold, so that those of several processes can be added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest as older_text
from prometheus_client.openmetrics import exposition

__all__ = ["page_of"]

_open_metrics: Callable[[CollectorRegistry], bytes] = exposition.generate_latest

#: `key of the snapshot`: the name of the metric, and what it tells.
_COUNTERS = {
    "bytes_received": ("fastserve_request_body_bytes", "Bytes of the bodies of requests."),
    "bytes_sent": ("fastserve_response_body_bytes", "Bytes of the bodies of answers."),
    "holds": ("fastserve_loop_holds", "How often something held the event loop for --blocked-loop-ms."),
    "held_s": ("fastserve_loop_held_seconds", "For how long in all."),
}
_GAUGES = {
    "connections": ("fastserve_connections", "Open connections."),
    "in_flight": ("fastserve_requests_in_flight", "Requests whose application has not returned."),
}
_HISTOGRAMS = {
    "duration": (
        "fastserve_request_duration_seconds",
        "From the head of a request to the end of its answer.",
    ),
    "lag": ("fastserve_loop_lag_seconds", "How late the event loop comes to what is due."),
}


class _Collector:
    def __init__(self, snapshot: Callable[[], dict[str, Any]]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        numbers = self._snapshot()
        requests = CounterMetricFamily(
            "fastserve_requests", "Requests that were answered, or left by their client (499).",
            labels=("method", "status"),
        )  # fmt: skip
        for method, status, count in numbers["requests"]:
            requests.add_metric([method, str(status)], count)
        yield requests
        for key, (name, text) in _COUNTERS.items():
            yield CounterMetricFamily(name, text, value=numbers[key])
        for key, (name, text) in _GAUGES.items():
            yield GaugeMetricFamily(name, text, value=numbers[key])
        for key, (name, text) in _HISTOGRAMS.items():
            counts, bounds = numbers[f"{key}s"], numbers[f"{key}_bounds_s"]
            yield HistogramMetricFamily(
                name, text, buckets=_cumulated(bounds, counts), sum_value=numbers[f"{key}_s"]
            )


def _cumulated(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    total, found = 0, []
    for bound, count in zip((*map(str, map(float, bounds)), "+Inf"), counts, strict=True):
        total += count
        found.append((bound, float(total)))
    return found


def page_of(snapshot: Callable[[], dict[str, Any]]) -> Callable[[str], tuple[bytes, str]]:
    """Return what makes the page, called with an Accept field; it returns the page and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    collector: Any = _Collector(snapshot)
    registry.register(collector)

    def page(accept: str) -> tuple[bytes, str]:
        # prometheus_client's own choice fails at a version that is none (`version=x`).
        if "application/openmetrics-text" in accept:
            return _open_metrics(registry), "application/openmetrics-text; version=1.0.0; charset=utf-8"
        return older_text(registry), "text/plain; version=0.0.4; charset=utf-8"

    return page
