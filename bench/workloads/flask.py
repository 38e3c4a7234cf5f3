"""The smallest answer of a Flask application, in threads: most of the time is Flask's own."""

from bench.load import LoadWorkload
from bench.probe import Exchange
from bench.workload import CPU_PER_REQUEST, Comparison, Entry
from bench.wsgi_app import HELLO

APP = "flask_app:app"

WORKLOAD = LoadWorkload(
    name="flask",
    title="Flask hello",
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve-wsgi", label="fastserve", app=APP),
        Entry("fastserve-wsgi-inline", label="fastserve, 0 threads", app=APP),
        Entry("uvicorn-wsgi", label="uvicorn", app=APP),
        Entry("granian-wsgi", label="granian", app=APP),
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
    floor="hello",
)
