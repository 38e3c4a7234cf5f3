"""The smallest answer of a WSGI application in threads: the hand-over to a thread and back is in it."""

from bench.apps.plain_wsgi import HELLO
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

APP = "plain_wsgi:app"

WORKLOAD = LoadWorkload(
    name="wsgi",
    title="WSGI hello, in threads",
    group=Group.WSGI,
    rank=0,
    quick=True,
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve", app=APP),
        Entry("uvicorn", app=APP),
        Entry("granian", app=APP),
        Entry("gunicorn", app=APP),
        Entry("floor"),
    ),
    comparisons=(
        Comparison("granian", "fastserve", at_least=2),
        Comparison("uvicorn", "fastserve", at_least=5),
        Comparison("gunicorn", "fastserve", at_least=5),
        Comparison("fastserve", "floor"),
    ),
    exchange=Exchange(answer=HELLO),
)
