"""The smallest answer, watched and counted: what it costs to see what the event loop is doing."""

from bench.apps.plain_asgi import HELLO
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

OFF = "fastserve, unwatched"
WATCHED = "fastserve, watched (default)"
COUNTED = "fastserve, watched and counted"
TIMED = "fastserve, and slow requests told"

COUNTING = ("--metrics", "/metrics")

WORKLOAD = LoadWorkload(
    name="observed",
    title="hello, watched and counted",
    group=Group.HTTP,
    rank=2,
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve", OFF, options=("--blocked-loop-ms", "0")),
        Entry("fastserve", WATCHED),
        Entry("fastserve", COUNTED, options=COUNTING),
        Entry("fastserve", TIMED, options=(*COUNTING, "--slow-request-ms", "1000")),
    ),
    comparisons=(
        Comparison(WATCHED, OFF, at_most=1.05),
        Comparison(COUNTED, OFF, at_most=1.05),
        Comparison(TIMED, OFF),
    ),
    exchange=Exchange(answer=HELLO),
)
