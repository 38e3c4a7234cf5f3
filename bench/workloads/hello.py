"""The smallest answer, without an access log: what a request costs before anything else is asked."""

from bench.app import HELLO
from bench.load import LoadWorkload
from bench.probe import Exchange
from bench.workload import CPU_PER_REQUEST, Comparison, Entry

WORKLOAD = LoadWorkload(
    name="hello",
    title="hello, access log off",
    metric=CPU_PER_REQUEST,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("nginx"), Entry("floor")),
    comparisons=(
        # CPython starts a task eagerly since 3.12, which saves a turn of the loop for each request.
        Comparison("fastserve", "floor", at_most=1.3, python_from=(3, 12)),
        Comparison("fastserve", "floor", at_most=1.5, python_below=(3, 12)),
        Comparison("uvicorn", "fastserve", at_least=3, python_from=(3, 12)),
        Comparison("uvicorn", "fastserve", python_below=(3, 12)),
        Comparison("fastserve", "nginx"),
    ),
    exchange=Exchange(answer=HELLO),
    floor="hello",
)
