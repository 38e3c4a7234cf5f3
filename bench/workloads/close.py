"""A connection for each request: what it costs to accept one, to set it up and to end it."""

from bench.apps.plain_asgi import HELLO
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="close",
    title="connection per request",
    group=Group.HTTP,
    metric=CPU_PER_REQUEST,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("granian"), Entry("floor")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", "floor"),
        Comparison("uvicorn", "fastserve", at_least=1.9),
    ),
    exchange=Exchange(answer=HELLO, headers=(("Connection", "close"),), closes=True),
    floor="close",
    script="close.lua",
)
