"""The smallest answer of Starlette, ``async def``."""

from bench.load import LoadWorkload
from bench.servers import ASGI
from bench.workload import CPU_PER_REQUEST, Comparison, Group, entries
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="starlette",
    title="Starlette",
    group=Group.APPLICATION,
    metric=CPU_PER_REQUEST,
    entries=entries(*ASGI, app="starlette_app:app"),
    comparisons=(Comparison("uvicorn", "fastserve"), Comparison("granian", "fastserve")),
    exchange=Exchange(answer=b"Hello, world!"),
)
