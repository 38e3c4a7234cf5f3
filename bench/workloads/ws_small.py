"""A binary message of 32 bytes that the application sends back, on connections that stay."""

from bench.message_load import MessageWorkload
from bench.workload import CPU_PER_MESSAGE, Comparison, Entry, Group

WORKLOAD = MessageWorkload(
    name="ws_small",
    title="32 bytes over WebSocket, echoed",
    group=Group.WEBSOCKET,
    rank=0,
    quick=True,
    metric=CPU_PER_MESSAGE,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("granian"), Entry("picows")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", "picows", at_most=1.6),
        Comparison("uvicorn", "fastserve", at_least=1.9),
    ),
    size_bytes=32,
)
