"""The smallest answer with the access log on (the default), into a file, as under a service manager."""

from bench.app import HELLO
from bench.load import LoadWorkload
from bench.probe import Exchange
from bench.workload import CPU_PER_REQUEST, Comparison, Entry

WITHOUT = "fastserve, log off"

WORKLOAD = LoadWorkload(
    name="hello_log",
    title="hello, access log on (the default)",
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve", access_log=True),
        Entry("fastserve", label=WITHOUT),
        Entry("uvicorn", access_log=True),
        Entry("floor"),
    ),
    comparisons=(
        Comparison("fastserve", WITHOUT, at_most=1.2),
        Comparison("uvicorn", "fastserve", at_least=6),
        Comparison("fastserve", "floor"),
    ),
    exchange=Exchange(answer=HELLO),
    floor="hello",
)
