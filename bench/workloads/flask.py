"""The smallest answer of a Flask application, in threads: most of the time is Flask's own."""

from bench.apps.plain_wsgi import HELLO
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

APP = "flask_app:app"

WORKLOAD = LoadWorkload(
    name="flask",
    title="Flask hello",
    group=Group.WSGI,
    rank=20,
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve", app=APP),
        Entry("fastserve", "fastserve, 0 threads", APP, ("--wsgi-threads", "0")),
        Entry("uvicorn", app=APP),
        Entry("granian", app=APP),
        Entry("gunicorn", app=APP),
        Entry("fastpysgi", app=APP),
    ),
    comparisons=(
        Comparison("fastserve", "granian", at_most=1),
        Comparison("fastserve", "gunicorn", at_most=1),
        Comparison("fastserve", "uvicorn", at_most=1),
        Comparison("fastserve, 0 threads", "fastpysgi", at_most=1),
    ),
    exchange=Exchange(answer=HELLO),
)
