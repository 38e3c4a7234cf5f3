"""The smallest answer again, asked for by another load client: do its figures agree with wrk's?"""

from bench.apps.plain_asgi import HELLO
from bench.h2load import CountedWorkload
from bench.servers import ASGI
from bench.workload import CPU_PER_REQUEST, Comparison, Group, entries
from fastserve.measure.probe import Exchange

WORKLOAD = CountedWorkload(
    name="hello_h2load",
    title="hello, by h2load",
    group=Group.HTTP,
    rank=1,
    metric=CPU_PER_REQUEST,
    entries=entries(*ASGI, "nginx", "floor"),
    comparisons=(
        Comparison("uvicorn", "fastserve", at_least=3, python_from=(3, 12)),
        Comparison("granian", "fastserve"),
        Comparison("fastserve", "nginx"),
        Comparison("fastserve", "floor"),
    ),
    exchange=Exchange(answer=HELLO),
)
