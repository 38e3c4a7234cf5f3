"""The smallest answer of Starlette, ``async def``."""

from bench.application import COMPARISONS, ApplicationWorkload, entries
from bench.workload import CPU_PER_REQUEST, Group
from fastserve.measure.probe import Exchange

WORKLOAD = ApplicationWorkload(
    name="starlette",
    title="Starlette",
    group=Group.APPLICATION,
    metric=CPU_PER_REQUEST,
    entries=entries("starlette_app:app"),
    comparisons=COMPARISONS,
    exchange=Exchange(answer=b"Hello, world!"),
)
