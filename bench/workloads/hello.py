"""The smallest answer, without an access log: what a request costs before anything else is asked."""

from bench.apps.plain_asgi import HELLO
from bench.load import LoadWorkload
from bench.servers import ALL_ASGI
from bench.workload import CPU_PER_REQUEST, Comparison, Group, entries
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="hello",
    title="hello, access log off",
    group=Group.HTTP,
    rank=0,
    quick=True,
    metric=CPU_PER_REQUEST,
    entries=entries(*ALL_ASGI, "nginx", "floor"),
    comparisons=(
        # CPython starts a task eagerly since 3.12, which saves a turn of the loop for each request.
        Comparison("fastserve", "floor", at_most=1.3, python_from=(3, 12)),
        Comparison("fastserve", "floor", at_most=1.5, python_below=(3, 12)),
        Comparison("uvicorn", "fastserve", at_least=3, python_from=(3, 12)),
        Comparison("uvicorn", "fastserve", python_below=(3, 12)),
        Comparison("fastserve", "nginx"),
    ),
    exchange=Exchange(answer=HELLO),
)
