"""The smallest answer of a WSGI application in threads: the hand-over to a thread and back is in it."""

from bench.load import LoadWorkload
from bench.probe import Exchange
from bench.workload import CPU_PER_REQUEST, Comparison, Entry
from bench.wsgi_app import HELLO

APP = "wsgi_app:app"

WORKLOAD = LoadWorkload(
    name="wsgi",
    title="WSGI hello, in threads",
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve-wsgi", label="fastserve", app=APP),
        Entry("uvicorn-wsgi", label="uvicorn", app=APP),
        Entry("granian-wsgi", label="granian", app=APP),
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
    floor="hello",
)
