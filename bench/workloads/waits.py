"""1,000 connections whose requests wait 10 ms in the application, as for a database: tasks and timers by the
hundred."""

from bench.apps.waiting_asgi import HELLO
from bench.load import LoadWorkload
from bench.servers import ASGI
from bench.workload import CPU_PER_REQUEST, Comparison, Group, entries
from fastserve.measure.probe import Exchange

CONNECTIONS = 1000

WORKLOAD = LoadWorkload(
    name="waits",
    title=f"10 ms awaited, {CONNECTIONS:,} connections",
    group=Group.HTTP,
    metric=CPU_PER_REQUEST,
    entries=entries(*ASGI, app="waiting_asgi:app"),
    comparisons=(Comparison("uvicorn", "fastserve", at_least=1.5), Comparison("granian", "fastserve")),
    exchange=Exchange(answer=HELLO, path="/wait"),
    connections=CONNECTIONS,
)
