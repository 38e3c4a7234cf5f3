"""A file of 1 MB as Starlette's ``FileResponse``, which it reads, or whose path it sends (``--pathsend``)."""

from bench.apps.files_wsgi import content
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

APP = "files_starlette:app"

WORKLOAD = LoadWorkload(
    name="files_starlette",
    title="Starlette's FileResponse of 1 MB",
    group=Group.APPLICATION,
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve", app=APP),
        Entry("fastserve", app=APP, label="fastserve --pathsend", options=("--pathsend",)),
        Entry("uvicorn", app=APP),
        Entry("granian", app=APP),
    ),
    comparisons=(
        Comparison("uvicorn", "fastserve"),
        Comparison("fastserve", "fastserve --pathsend"),
        Comparison("granian", "fastserve --pathsend"),
    ),
    exchange=Exchange(answer=content("/small"), path="/small"),
    connections=16,
)
