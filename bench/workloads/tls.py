"""The smallest answer under TLS, on connections that are kept: records instead of plain bytes."""

from bench.app import HELLO
from bench.load import LoadWorkload
from bench.probe import Exchange
from bench.workload import CPU_PER_REQUEST, Comparison, Entry

WORKLOAD = LoadWorkload(
    name="tls",
    title="hello under TLS",
    metric=CPU_PER_REQUEST,
    entries=tuple(Entry(name, tls=True) for name in ("fastserve", "uvicorn", "granian", "floor")),
    comparisons=(
        Comparison("fastserve", "granian", at_most=1),
        Comparison("uvicorn", "fastserve"),
        Comparison("fastserve", "floor"),
    ),
    exchange=Exchange(answer=HELLO),
    floor="hello",
)
