"""The lines for StatsD."""

from __future__ import annotations

import socket

from fastserve.statsd import StatsD, lines

NUMBERS = {
    "total": {
        "requests": {"GET 200": 5, "POST 500": 1},
        "durations": {"0.001": 8, "0.5": 1, "+Inf": 1},
        "duration_s": 1.5,
        "refusals": {"bad request": 2},
        "holds": 0,
    },
    "now": {"connections": 3, "workers": {"serving": 2}},
}


def test_counters_are_what_was_added() -> None:
    assert [*lines(NUMBERS, {})] == [
        "fastserve.requests.GET.200:5|c",
        "fastserve.requests.POST.500:1|c",
        "fastserve.request_duration.p50_ms:1|g",
        "fastserve.request_duration.p95_ms:500|g",
        "fastserve.request_duration.p99_ms:500|g",
        "fastserve.duration_ms:1500|c",
        "fastserve.refusals.bad_request:2|c",
        "fastserve.connections:3|g",
        "fastserve.workers.serving:2|g",
    ]
    assert [*lines(NUMBERS, NUMBERS["total"])] == [
        "fastserve.connections:3|g",
        "fastserve.workers.serving:2|g",
    ]
    later = {"total": {"requests": {"GET 200": 7}, "durations": {"0.001": 9, "0.5": 1, "+Inf": 1}}}
    assert [*lines(later, NUMBERS["total"])] == [
        "fastserve.requests.GET.200:2|c",
        "fastserve.request_duration.p50_ms:1|g",
        "fastserve.request_duration.p95_ms:1|g",
        "fastserve.request_duration.p99_ms:1|g",
    ]


def test_datagrams_are_no_larger_than_a_packet() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(10)
        sender = StatsD(*receiver.getsockname())
        reasons = {f"reason number {n}": n for n in range(1, 101)}
        sender.send({"total": {"refusals": reasons}})
        found: list[str] = []
        while len(found) < len(reasons):
            datagram = receiver.recv(65536)
            assert len(datagram) <= 1432
            found += datagram.decode().split("\n")
        sender.close()
    assert found == [f"fastserve.refusals.reason_number_{n}:{n}|c" for n in range(1, 101)]
