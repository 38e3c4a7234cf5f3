"""2,000 requests a second, whatever the server does: what a service that is a tenth busy answers in."""

from bench.apps.plain_asgi import HELLO
from bench.paced_load import PacedWorkload
from bench.servers import ASGI
from bench.workload import LATENCY, Comparison, Group, entries
from fastserve.measure.probe import Exchange

WORKLOAD = PacedWorkload(
    name="paced",
    title="hello at 2,000 requests a second: p99",
    group=Group.LATENCY,
    rank=0,
    metric=LATENCY,
    entries=entries(*ASGI, "nginx", "floor"),
    comparisons=(Comparison("fastserve", "uvicorn", at_most=1), Comparison("fastserve", "granian")),
    exchange=Exchange(answer=HELLO),
    rate_per_s=2000,
)
