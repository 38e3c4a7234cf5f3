"""A file of 1 MB by WSGI's ``wsgi.file_wrapper``: sent by the kernel, or read and written."""

from bench.apps.files_wsgi import content
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

APP = "files_wsgi:app"
INLINE = Entry("fastserve", app=APP, label="fastserve (inline)", options=("--wsgi-threads", "0"))

WORKLOAD = LoadWorkload(
    name="files",
    title="WSGI, a file of 1 MB",
    group=Group.WSGI,
    metric=CPU_PER_REQUEST,
    entries=(
        Entry("fastserve", app=APP),
        INLINE,
        Entry("uvicorn", app=APP),
        Entry("granian", app=APP),
        Entry("gunicorn", app=APP),
    ),
    comparisons=(
        Comparison("gunicorn", "fastserve"),
        Comparison("gunicorn", "fastserve (inline)"),
        Comparison("granian", "fastserve"),
        Comparison("uvicorn", "fastserve"),
    ),
    exchange=Exchange(answer=content("/small"), path="/small"),
    connections=16,
)
