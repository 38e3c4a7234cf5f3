"""An answer that the application sends in 20 chunks without waiting: what one `send()` costs."""

from bench.apps.plain_asgi import CHUNK, CHUNKS
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

WORKLOAD = LoadWorkload(
    name="streamed",
    title=f"{CHUNKS} streamed chunks",
    group=Group.HTTP,
    metric=CPU_PER_REQUEST,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("granian"), Entry("floor")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", "floor"),
        Comparison("uvicorn", "fastserve", at_least=2.5),
    ),
    exchange=Exchange(answer=CHUNK * CHUNKS, path="/stream"),
    floor="streamed",
)
