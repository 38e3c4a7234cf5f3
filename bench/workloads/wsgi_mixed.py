"""How long do quick answers take while one request in 200 waits 20 ms in its thread?

The 99th percentile is then that of the quick ones: who holds them up behind a slow one is seen.
"""

from bench.load import LatencyWorkload
from bench.probe import Exchange
from bench.workload import LATENCY, Comparison, Entry
from bench.workloads.wsgi import APP
from bench.wsgi_app import HELLO

WORKLOAD = LatencyWorkload(
    name="wsgi_mixed",
    title="WSGI hello, one in 200 waits 20 ms: p99",
    metric=LATENCY,
    entries=(
        Entry("fastserve-wsgi", label="fastserve", app=APP),
        Entry("uvicorn-wsgi", label="uvicorn", app=APP),
        Entry("granian-wsgi", label="granian", app=APP),
        Entry("gunicorn", app=APP),
    ),
    comparisons=(Comparison("fastserve", "gunicorn", at_most=1),),
    exchange=Exchange(answer=HELLO),
    floor="hello",
    script="mixed.lua",
    arguments=("/slow", "200"),
)
