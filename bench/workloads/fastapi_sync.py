"""FastAPI's smallest answer from ``def``, in a thread: most of the time is FastAPI's own."""

from bench.application import COMPARISONS, ApplicationWorkload, entries
from bench.workload import CPU_PER_REQUEST, Group
from fastserve.measure.probe import Exchange

WORKLOAD = ApplicationWorkload(
    name="fastapi_sync",
    title="FastAPI, def, in a thread",
    group=Group.APPLICATION,
    rank=1,
    metric=CPU_PER_REQUEST,
    entries=entries("fastapi_app:app"),
    comparisons=COMPARISONS,
    exchange=Exchange(answer=b'{"message":"Hello, world!"}', path="/sync"),
)
