"""The smallest answer of Django, ``async def``."""

from bench.load import LoadWorkload
from bench.servers import ASGI
from bench.workload import CPU_PER_REQUEST, Comparison, Group, entries
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="django",
    title="Django",
    group=Group.APPLICATION,
    metric=CPU_PER_REQUEST,
    entries=entries(*ASGI, app="django_app:app"),
    comparisons=(Comparison("uvicorn", "fastserve"), Comparison("granian", "fastserve")),
    exchange=Exchange(answer=b"Hello, world!"),
)
