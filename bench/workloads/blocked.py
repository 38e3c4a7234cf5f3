"""One request in 500 holds the event loop for 20 ms, at 1,000 requests a second: how do the others fare?

A server on one thread cannot answer meanwhile; what it can do is to come back quickly to all that have come
in.
"""

from bench.apps.waiting_asgi import BLOCK_S, HELLO
from bench.paced_load import PacedWorkload
from bench.servers import ASGI
from bench.workload import LATENCY, Comparison, Group, entries
from fastserve.measure.probe import Exchange

EVERY = 500

WORKLOAD = PacedWorkload(
    name="blocked",
    title=f"one request in {EVERY} blocks the loop for {BLOCK_S * 1000:.0f} ms: p99 of the others",
    group=Group.LATENCY,
    rank=1,
    metric=LATENCY,
    entries=entries(*ASGI, app="waiting_asgi:app"),
    comparisons=(Comparison("fastserve", "uvicorn"), Comparison("fastserve", "granian")),
    exchange=Exchange(answer=HELLO),
    rate_per_s=1000,
    other_path="/block",
    other_every=EVERY,
)
