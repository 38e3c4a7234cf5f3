"""How long do quick answers take while one request in 200 waits 20 ms in its thread?

The 99th percentile is then that of the quick ones: who holds them up behind a slow one is seen.
"""

from bench.apps.plain_wsgi import HELLO
from bench.load import LatencyWorkload
from bench.workload import LATENCY, Comparison, Entry, Group
from bench.workloads.wsgi import APP
from fastserve.measure.probe import Exchange

WORKLOAD = LatencyWorkload(
    name="wsgi_mixed",
    title="WSGI hello, one in 200 waits 20 ms: p99",
    group=Group.LATENCY,
    metric=LATENCY,
    entries=(
        Entry("fastserve", app=APP),
        Entry("uvicorn", app=APP),
        Entry("granian", app=APP),
        Entry("gunicorn", app=APP),
    ),
    comparisons=(Comparison("fastserve", "gunicorn", at_most=1),),
    exchange=Exchange(answer=HELLO),
    script="mixed.lua",
    arguments=("/slow", "200"),
)
