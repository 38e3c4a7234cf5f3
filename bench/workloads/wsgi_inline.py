"""The smallest answer of a WSGI application in the loop's thread, where nothing is handed over."""

from bench.load import LoadWorkload
from bench.probe import Exchange
from bench.workload import CPU_PER_REQUEST, Comparison, Entry
from bench.workloads.wsgi import APP
from bench.wsgi_app import HELLO

WORKLOAD = LoadWorkload(
    name="wsgi_inline",
    title="WSGI hello, in the loop's thread",
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve-wsgi-inline", label="fastserve", app=APP),
        Entry("fastpysgi", app=APP),
        Entry("floor"),
    ),
    comparisons=(
        Comparison("fastserve", "fastpysgi", at_most=1),
        Comparison("fastserve", "floor", at_most=1.4),
    ),
    exchange=Exchange(answer=HELLO),
    floor="hello",
)
