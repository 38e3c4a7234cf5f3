"""A binary message of 1 MiB that the application sends back, on eight connections that stay."""

from bench.message_load import QUIET, MessageWorkload
from bench.workload import CPU_PER_MESSAGE, Comparison, Entry, Group

WORKLOAD = MessageWorkload(
    name="ws_large",
    title="1 MiB over WebSocket, echoed",
    group=Group.WEBSOCKET,
    rank=2,
    metric=CPU_PER_MESSAGE,
    entries=(
        Entry("fastserve", options=QUIET),
        Entry("uvicorn", options=QUIET),
        Entry("granian"),
        Entry("picows"),
    ),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("uvicorn", "fastserve", at_least=1),
        Comparison("fastserve", "picows"),
    ),
    size_bytes=1 << 20,
    connections=8,
)
