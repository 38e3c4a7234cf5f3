"""The smallest answer under TLS, on connections that are kept: records instead of plain bytes."""

from bench.apps.plain_asgi import HELLO
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="tls",
    title="hello under TLS",
    group=Group.TLS,
    rank=0,
    metric=CPU_PER_REQUEST,
    entries=tuple(Entry(name, tls=True) for name in ("fastserve", "uvicorn", "granian", "floor")),
    comparisons=(
        Comparison("fastserve", "granian", at_most=1),
        Comparison("uvicorn", "fastserve"),
        Comparison("fastserve", "floor"),
    ),
    exchange=Exchange(answer=HELLO),
)
