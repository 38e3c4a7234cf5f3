"""A binary message of 16384 bytes that the application sends back, on connections that stay."""

from bench.message_load import MessageWorkload
from bench.workload import CPU_PER_MESSAGE, Comparison, Entry, Group

WORKLOAD = MessageWorkload(
    name="ws_medium",
    title="16 KiB over WebSocket, echoed",
    group=Group.WEBSOCKET,
    rank=1,
    metric=CPU_PER_MESSAGE,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("granian"), Entry("picows")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("uvicorn", "fastserve", at_least=1.5),
    ),
    size_bytes=16384,
)
