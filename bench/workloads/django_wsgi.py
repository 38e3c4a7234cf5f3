"""The smallest answer of Django over WSGI, from a plain view in a thread of the server's pool."""

from bench.load import LoadWorkload
from bench.servers import WSGI
from bench.workload import CPU_PER_REQUEST, Comparison, Group, entries
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="django_wsgi",
    title="Django over WSGI",
    group=Group.WSGI,
    rank=30,
    metric=CPU_PER_REQUEST,
    entries=entries(*WSGI, app="django_wsgi_app:app"),
    comparisons=(
        Comparison("uvicorn", "fastserve"),
        Comparison("granian", "fastserve"),
        Comparison("gunicorn", "fastserve"),
    ),
    exchange=Exchange(answer=b"Hello, world!"),
)
