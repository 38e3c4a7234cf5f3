"""A binary message of 100 bytes that the application sends to 1,000 clients: the cost for one of them."""

from bench.message_load import BROADCAST, QUIET, MessageWorkload
from bench.workload import CPU_PER_MESSAGE, Comparison, Entry, Group

WORKLOAD = MessageWorkload(
    name="ws_broadcast",
    title="100 bytes over WebSocket, to 1,000 clients",
    group=Group.WEBSOCKET,
    rank=3,
    metric=CPU_PER_MESSAGE,
    entries=(Entry("fastserve", options=QUIET), Entry("uvicorn", options=QUIET), Entry("granian")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("uvicorn", "fastserve", at_least=1),
    ),
    size_bytes=100,
    path=BROADCAST,
    connections=1000,
)
