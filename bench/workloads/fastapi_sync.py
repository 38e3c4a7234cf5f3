"""FastAPI's smallest answer from ``def``, in a thread: most of the time is FastAPI's own."""

from bench.load import LoadWorkload
from bench.servers import ASGI
from bench.workload import CPU_PER_REQUEST, Comparison, Group, entries
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="fastapi_sync",
    title="FastAPI, def, in a thread",
    group=Group.APPLICATION,
    rank=1,
    quick=False,
    metric=CPU_PER_REQUEST,
    entries=entries(*ASGI, app="fastapi_app:app"),
    comparisons=(Comparison("uvicorn", "fastserve"), Comparison("granian", "fastserve")),
    exchange=Exchange(answer=b'{"message":"Hello, world!"}', path="/sync"),
)
