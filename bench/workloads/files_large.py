"""The same with a file of 100 MB, of which more is on its way than a socket holds."""

from dataclasses import replace

from bench.apps.files_wsgi import content
from bench.workloads import files
from fastserve.measure.probe import Exchange

WORKLOAD = replace(
    files.WORKLOAD,
    name="files_large",
    title="WSGI, a file of 100 MB",
    exchange=Exchange(answer=content("/large"), path="/large"),
    connections=4,
)
