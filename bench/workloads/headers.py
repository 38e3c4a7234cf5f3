"""20 header fields each way: what reading, handing over and writing a field costs."""

from bench.apps.plain_asgi import FIELDS, HELLO
from bench.load import LoadWorkload
from bench.servers import ASGI
from bench.workload import CPU_PER_REQUEST, Comparison, Group, entries
from fastserve.measure.probe import Exchange

SENT = tuple((f"X-Field-{i}", f"value {i}") for i in range(FIELDS - 1))  # and Host

WORKLOAD = LoadWorkload(
    name="headers",
    title=f"{FIELDS} header fields each way",
    group=Group.HTTP,
    rank=3,
    metric=CPU_PER_REQUEST,
    entries=entries(*ASGI),
    comparisons=(Comparison("uvicorn", "fastserve", at_least=3), Comparison("granian", "fastserve")),
    exchange=Exchange(answer=HELLO, path="/fields", headers=SENT),
    script="headers.lua",
    arguments=tuple(word for field in SENT for word in field),
)
