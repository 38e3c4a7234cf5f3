"""Some 600 bytes of JSON, serialised for each answer as an application does."""

import json

from bench.apps.plain_asgi import ITEMS
from bench.load import LoadWorkload
from bench.servers import ASGI
from bench.workload import CPU_PER_REQUEST, Comparison, Group, entries
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="json",
    title="JSON",
    group=Group.HTTP,
    rank=2,
    metric=CPU_PER_REQUEST,
    entries=entries(*ASGI, "hypercorn", "gunicorn-asgi", "daphne"),
    comparisons=(Comparison("uvicorn", "fastserve", at_least=1.5), Comparison("granian", "fastserve")),
    exchange=Exchange(answer=json.dumps(ITEMS).encode(), path="/json"),
)
