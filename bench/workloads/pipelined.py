"""Sixteen requests in one write: what is left of the cost when reads and writes are shared."""

from bench.apps.plain_asgi import HELLO
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

DEPTH = 16

WORKLOAD = LoadWorkload(
    name="pipelined",
    title=f"hello, {DEPTH} pipelined",
    group=Group.HTTP,
    rank=4,
    quick=True,
    metric=CPU_PER_REQUEST,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("granian"), Entry("nginx"), Entry("floor")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", "floor"),
        Comparison("uvicorn", "fastserve", at_least=8),
        Comparison("fastserve", "nginx", at_most=1),
    ),
    exchange=Exchange(answer=HELLO, depth=DEPTH),
    floor="pipelined",
    script="pipelined.lua",
    arguments=(str(DEPTH),),
)
