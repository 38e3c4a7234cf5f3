"""A body of 64 KiB that the application reads whole and sends back."""

from bench.apps.plain_asgi import ECHO_BYTES
from bench.load import LoadWorkload
from bench.workload import CPU_PER_REQUEST, Comparison, Entry, Group
from fastserve.measure.probe import Exchange

BODY = b"0123456789abcdef" * (ECHO_BYTES // 16)

WORKLOAD = LoadWorkload(
    name="echo",
    title="64 KiB POST, echoed",
    group=Group.HTTP,
    quick=True,
    metric=CPU_PER_REQUEST,
    entries=(Entry("fastserve"), Entry("uvicorn"), Entry("granian"), Entry("floor")),
    comparisons=(
        Comparison("granian", "fastserve"),
        Comparison("fastserve", "floor"),
        Comparison("uvicorn", "fastserve", at_least=2.3),
    ),
    exchange=Exchange(answer=BODY, method="POST", path="/echo", body=BODY),
    floor="echo",
    script="post.lua",
    arguments=(str(ECHO_BYTES),),
)
