"""The smallest answer, from one process, and from a worker under its supervisor: what that costs."""

from bench.apps.plain_asgi import HELLO
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

ALONE = "fastserve, one process"
SUPERVISED = "fastserve, a worker and its supervisor"

WORKLOAD = LoadWorkload(
    name="supervised",
    title="hello, under a supervisor",
    group=Group.HTTP,
    rank=2,
    metric=CPU_PER_REQUEST,
    entries=(Entry("fastserve", ALONE), Entry("fastserve", SUPERVISED, options=("--supervise",))),
    comparisons=(Comparison(SUPERVISED, ALONE, at_most=1.02),),
    exchange=Exchange(answer=HELLO),
)
