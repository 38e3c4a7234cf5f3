"""The smallest answer with the access log on (the default), into a file, as under a service manager."""

from bench.apps.plain_asgi import HELLO
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

WITHOUT = "fastserve, log off"

WORKLOAD = LoadWorkload(
    name="hello_log",
    title="hello, access log on (the default)",
    group=Group.HTTP,
    rank=1,
    quick=True,
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve", access_log=True),
        Entry("fastserve", label=WITHOUT),
        Entry("uvicorn", access_log=True),
        Entry("granian", access_log=True),
        Entry("floor"),
    ),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", WITHOUT, at_most=1.2),
        Comparison("uvicorn", "fastserve", at_least=6),
        Comparison("fastserve", "floor"),
    ),
    exchange=Exchange(answer=HELLO),
)
