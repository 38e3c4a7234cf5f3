"""An answer of 100 kB: where copying shows."""

from bench.apps.plain_asgi import LARGE
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="large",
    title="100 kB response",
    group=Group.HTTP,
    metric=CPU_PER_REQUEST,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("granian"), Entry("floor")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", "floor"),
        Comparison("uvicorn", "fastserve", at_least=1.5),
    ),
    exchange=Exchange(answer=LARGE, path="/large"),
    floor="large",
)
