"""The smallest answer of a WSGI application in the loop's thread, where nothing is handed over."""

from bench.apps.plain_wsgi import HELLO
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from bench.workloads.wsgi import APP
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="wsgi_inline",
    title="WSGI hello, in the loop's thread",
    group=Group.WSGI,
    rank=1,
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve", app=APP, options=("--wsgi-threads", "0")),
        Entry("fastpysgi", app=APP),
        Entry("floor"),
    ),
    comparisons=(
        Comparison("fastserve", "fastpysgi", at_most=1),
        Comparison("fastserve", "floor", at_most=1.4),
    ),
    exchange=Exchange(answer=HELLO),
)
