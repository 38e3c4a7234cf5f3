"""examples/starlette_app: streams, events, background work, the middleware around them, and the lifespan."""

from __future__ import annotations

import http.client
import itertools
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from .client import CONNECTIONS, ask_many
from .server import Example, Server
from .tools import curl, needs_curl, needs_wrk, wrk

pytest.importorskip("starlette")
pytest.importorskip("python_multipart")

EXAMPLE = Example("starlette_app")
DEADLINE_S = 20.0


def eventually(ask: Callable[[], Any], wanted: Any) -> None:
    """Ask until the answer is `wanted`; fail with the last answer after DEADLINE_S."""
    deadline = time.monotonic() + DEADLINE_S
    while (got := ask()) != wanted:
        assert time.monotonic() < deadline, f"still {got!r} after {DEADLINE_S} s, not {wanted!r}"
        time.sleep(0.02)


def lines_of(count: int) -> bytes:
    return b"".join(b"line %d\n" % number for number in range(count))


def events_of(stream: Iterator[str]) -> Iterator[dict[str, str]]:
    """Server-sent events as their fields; data lines joined (WHATWG HTML, 9.2.6)."""
    fields: dict[str, str] = {}
    for line in stream:
        if not line:
            yield fields
            fields = {}
            continue
        name, _, value = line.partition(": ")
        fields[name] = f"{fields[name]}\n{value}" if name in fields else value


def tick(number: int) -> dict[str, str]:
    return {"id": str(number), "event": "tick", "data": f"tick {number}\nof the clock"}


def test_middleware_sees_every_answer(client: httpx.Client) -> None:
    for path in ("/hello/Ada", "/stream?chunks=3", "/static/poem.txt", "/nowhere"):
        assert client.get(path, headers={"X-Request-ID": path}).headers["x-request-id"] == path


def test_path_with_escapes(client: httpx.Client) -> None:
    assert client.get("/hello/Gr%C3%BC%C3%9Fe%20%26%20%E2%98%95").text == "Hello, Grüße & ☕!\n"


def test_stream_arrives_whole_and_in_order(client: httpx.Client) -> None:
    with client.stream("GET", "/stream", params={"chunks": 1000}) as response:
        assert response.headers["transfer-encoding"] == "chunked"
        assert b"".join(response.iter_raw()) == lines_of(1000)


@needs_curl
def test_stream_to_curl(server: Server) -> None:
    assert curl("-N", f"{server.url}/stream?chunks=200") == lines_of(200)


@needs_curl
def test_stream_to_http_1_0_ends_with_the_connection(server: Server) -> None:
    """HTTP/1.0 knows no chunks (RFC 9112, 6.1). uvicorn 0.54 sends them all the same."""
    head, _, body = curl("--http1.0", "-i", f"{server.url}/stream?chunks=200").partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert body == lines_of(200)


def test_many_streams_at_once(server: Server) -> None:
    ask_many(
        server.port,
        lambda number: f"/stream?chunks={number % 40}",
        lambda number: lines_of(number % 40),
        total=10 * CONNECTIONS,
    )


def test_events_are_counted_and_continued(client: httpx.Client) -> None:
    with client.stream("GET", "/events", params={"count": 4}, headers={"Last-Event-ID": "10"}) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert list(events_of(response.iter_lines())) == [{"retry": "1000"}, *map(tick, range(11, 15))]


def test_endless_events_end_with_the_client(client: httpx.Client, server: Server) -> None:
    """Events arrive while others are still to be made, and the application hears that the client has gone."""

    def open_streams() -> Any:
        return client.get("/state").json()["open_streams"]

    with httpx.stream("GET", f"{server.url}/events", timeout=30, trust_env=False) as response:
        events = events_of(response.iter_lines())
        assert list(itertools.islice(events, 4)) == [{"retry": "1000"}, tick(1), tick(2), tick(3)]
        assert open_streams() == 1
    eventually(open_streams, 0)


def test_background_task_runs_after_the_answer(client: httpx.Client) -> None:
    accepted = client.post("/jobs", params={"seconds": 2})
    assert accepted.status_code == 202
    assert accepted.json()["state"] == "accepted"
    where = accepted.headers["location"]
    # The same connection serves again while the task of its last answer runs on.
    assert client.get(where).json()["state"] == "accepted"
    eventually(lambda: client.get(where).json()["state"], "done")
    assert client.get("/jobs/999999").status_code == 404


def test_ten_thousand_requests(server: Server) -> None:
    ask_many(server.port, lambda number: f"/hello/{number}", lambda number: b"Hello, %d!\n" % number)


@needs_wrk
@pytest.mark.parametrize("path", ["/hello/wrk", "/stream?chunks=10", "/static/poem.txt"])
def test_load(server: Server, path: str) -> None:
    load = wrk(server.url + path)
    assert load.requests > 0
    assert (load.refused, load.socket_errors) == (0, 0)


def test_stop_lets_a_stream_finish_and_ends_the_lifespan(start: Callable[..., Server]) -> None:
    server = start()
    assert httpx.post(f"{server.url}/jobs", params={"seconds": 0.5}, trust_env=False).status_code == 202
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request("GET", "/stream?chunks=20&pause_s=0.05")
        response = connection.getresponse()
        assert response.readline() == b"line 0\n"
        server.terminate()
        assert b"line 0\n" + response.read() == lines_of(20)
    finally:
        connection.close()
    server.check_stopped()
    assert "Application shutdown complete" in server.output()
    assert re.search("starlette_app: lifespan over, 1 jobs done", server.output())


def test_stop_cuts_an_endless_stream_at_the_deadline(start: Callable[..., Server]) -> None:
    server = start("--timeout-graceful-shutdown", "1")
    with httpx.stream("GET", f"{server.url}/events", timeout=30, trust_env=False) as response:
        events = events_of(response.iter_lines())
        assert list(itertools.islice(events, 2)) == [{"retry": "1000"}, tick(1)]
        server.terminate()
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in events:
                pass
    server.check_stopped(excused="[Cc]ancel")
    assert "starlette_app: lifespan over" in server.output()
