"""`--metrics`: what a collector reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as older_text

from .process import HELD, Process, rest, running

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(process: Process, accept: str = OPENMETRICS) -> Samples:
    with process.connect() as sock:
        sock.sendall(
            f"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\nConnection: close\r\n\r\n".encode()
        )
        head, _, body = rest(sock).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    is_open = "content-type: application/openmetrics-text" in head
    assert is_open == (accept == OPENMETRICS)
    families = (text_string_to_metric_families if is_open else older_text)(body)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def answered(samples: Samples, method: str, status: int) -> float:
    return samples.get(("fastserve_requests_total", (("method", method), ("status", str(status)))), 0)


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory, http: str) -> Iterator[Process]:
    with running(
        tmp_path_factory.mktemp("metrics"), "--port", "0", "--http", http, "--metrics", "/metrics"
    ) as process:
        yield process


def test_requests_are_counted_by_method_and_status(tmp_path: Path, http: str) -> None:
    with running(tmp_path, "--port", "0", "--http", http, "--metrics", "/metrics") as process:
        assert answered(scraped(process), "GET", 200) == 0
        process.get("/")
        process.get("/")
        for request in (b"PATCH /no HTTP/1.1", b"PROPFIND /no HTTP/1.1"):
            with process.connect() as sock:
                sock.sendall(request + b"\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert rest(sock).startswith(b"HTTP/1.1 500")
        with process.connect() as sock:
            sock.sendall(HELD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            process.wait_for("held")
            busy = scraped(process)
            sock.sendall(b"x")
            rest(sock)
        samples = scraped(process)
        assert process.output.count('"GET /metrics') <= 3
    assert busy["fastserve_requests_in_flight", ()] == 1
    assert busy["fastserve_connections", ()] == 2
    assert samples["fastserve_requests_in_flight", ()] == 0
    assert answered(samples, "GET", 200) == 4  # two of them for the page
    assert (answered(samples, "PATCH", 500), answered(samples, "OTHER", 500)) == (1, 1)
    assert answered(samples, "POST", 200) == 1
    assert samples["fastserve_request_body_bytes_total", ()] == 1
    assert samples["fastserve_request_duration_seconds_count", ()] == 7
    assert samples["fastserve_request_duration_seconds_bucket", (("le", "+Inf"),)] == 7
    buckets = [
        value for (name, _), value in samples.items() if name == "fastserve_request_duration_seconds_bucket"
    ]
    assert len(buckets) == 15 and buckets == sorted(buckets)
    assert samples["fastserve_request_duration_seconds_sum", ()] > 0


def test_the_loop_is_seen_to_stall(tmp_path: Path) -> None:
    pytest.importorskip("fastserve.loop_watch", reason="nothing was compiled")
    words = ("--metrics", "/metrics", "--blocked-loop-ms", "100")
    with running(tmp_path, "--port", "0", *words, app="blocking:app") as process:
        process.get("/sleeping")  # for 400 ms
        process.wait_for("held the event loop for")
        samples = scraped(process, "text/plain")
    assert samples["fastserve_loop_holds_total", ()] >= 1  # a slow machine may hold it again
    assert 0.25 < samples["fastserve_loop_held_seconds_total", ()] < 5
    late = samples["fastserve_loop_lag_seconds_bucket", (("le", "0.25"),)]
    assert late < samples["fastserve_loop_lag_seconds_count", ()]
    assert samples["fastserve_request_duration_seconds_sum", ()] >= 0.4


@pytest.mark.parametrize("accept", ["application/openmetrics-text;version=x", "\xff", ";,=", ""])
def test_an_accept_field_of_no_meaning(metrics: Process, accept: str) -> None:
    with metrics.connect() as sock:
        field = f"Accept: {accept}\r\n".encode("latin-1")
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + field + b"\r\n")
        assert rest(sock).startswith(b"HTTP/1.1 200 OK\r\n")


def test_other_requests_are_the_applications(metrics: Process) -> None:
    with metrics.connect() as sock:
        sock.sendall(b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        assert rest(sock).startswith(b"HTTP/1.1 500")  # it knows no such path
    assert "Exception in ASGI application (POST /metrics)" in metrics.output


@pytest.mark.parametrize("path", ["/a b", "99999", "unix:", "a:b:c"])
def test_what_is_no_path(tmp_path: Path, path: str) -> None:
    with running(tmp_path, "--metrics", path) as process:
        assert process.end() == 2
        assert "is neither a path nor an address." in process.output
