"""examples/flask_app: threads, streams both ways, files, uploads and a session, by WSGI."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from .client import ask_many
from .server import EXAMPLES, Example, Server
from .tools import curl, needs_curl, needs_wrk, wrk

pytest.importorskip("flask")

EXAMPLE = Example("flask_app")
SOURCE = EXAMPLES / "flask_app" / "main.py"


def test_a_page_and_a_session(client: httpx.Client) -> None:
    assert "Hello stranger." in client.get("/").text
    entered = client.post("/login", data={"name": "Ada Grüße"})
    assert (entered.status_code, entered.headers["location"]) == (302, "/")
    assert "Hello Ada Grüße." in client.get("/").text


def test_paths_are_whatever_they_are(client: httpx.Client) -> None:
    told = client.get("/hello/%C3%A9%20%E2%98%95").json()
    assert (told["hello"], told["client"]) == ("é ☕", "127.0.0.1")
    assert told["thread"].startswith("fastserve-wsgi-")


def test_a_request_that_waits_holds_no_other_up(server: Server, client: httpx.Client) -> None:
    slow: list[float] = []

    def wait() -> None:
        began_s = time.monotonic()
        httpx.get(f"{server.url}/slow?seconds=1", trust_env=False, timeout=30)
        slow.append(time.monotonic() - began_s)

    waiting = threading.Thread(target=wait)
    waiting.start()
    for number in range(20):
        assert client.get(f"/hello/{number}").status_code == 200
    assert not slow, "the others waited for it"
    waiting.join()
    assert slow[0] >= 1


def test_a_stream_comes_line_by_line(client: httpx.Client) -> None:
    with client.stream("GET", "/count?pause=0.05") as response:
        arrived = [(line, time.monotonic()) for line in response.iter_lines()]
    assert [line for line, _ in arrived] == [f"{number} /count" for number in range(10)]
    assert arrived[-1][1] - arrived[0][1] > 0.3


def test_a_stream_whose_client_goes(server: Server, client: httpx.Client) -> None:
    """More of them, one after the other, than there are threads."""
    for _ in range(15):
        with httpx.stream("GET", f"{server.url}/events", trust_env=False) as response:
            assert next(response.iter_lines()) == "id: 0"
    assert client.get("/hello/you").status_code == 200


def test_a_body_is_read_while_it_arrives(client: httpx.Client) -> None:
    piece = bytes(range(256)) * 256

    def body() -> Iterator[bytes]:
        yield from [piece] * 100

    for content, headers in ((body(), {}), (piece * 100, {})):
        told = client.put("/digest", content=content, headers=headers).json()
        assert told == {"sha256": hashlib.sha256(piece * 100).hexdigest(), "bytes": 100 * len(piece)}


def test_an_upload(client: httpx.Client) -> None:
    data = b"\x00\xff" * 600_000
    told = client.post("/upload", data={"a": "é"}, files={"file": ("x.bin", data)}).json()
    assert told == {"name": "x.bin", "sha256": hashlib.sha256(data).hexdigest(), "fields": {"a": "é"}}


def test_a_file_with_etag_and_ranges(client: httpx.Client) -> None:
    whole = client.get("/source")
    assert whole.content == SOURCE.read_bytes()
    assert client.get("/source", headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    part = client.get("/source", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, SOURCE.read_bytes()[10:20])
    assert client.head("/source").headers["content-length"] == str(len(whole.content))


@needs_curl
def test_curl_waits_for_continue(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2_000_000)
    said = curl("--fail", "--header", "Expect: 100-continue", "-T", str(path), f"{server.url}/digest")
    assert b'"bytes":2000000' in said


def test_failures_are_flasks_own_page(start: Callable[..., Server]) -> None:
    server = start()
    answer = httpx.get(f"{server.url}/fail", trust_env=False)
    assert (answer.status_code, "Internal Server Error" in answer.text) == (500, True)
    assert "This page always fails" in server.output()
    server.terminate()
    server.check_stopped(excused="Traceback|ERROR in app")


def test_ten_thousand_requests(server: Server) -> None:
    """Each answer is its own request's."""
    ask_many(server.port, lambda number: f"/echo/{number}", lambda number: b"%d" % number)


@needs_wrk
@pytest.mark.parametrize("threads", ["0", "1", "10"])
def test_load(start: Callable[..., Server], threads: str) -> None:
    server = start("--wsgi-threads", threads)
    load = wrk(f"{server.url}/hello/you")
    assert load.requests > 0
    assert (load.refused, load.socket_errors) == (0, 0)
    server.stop()


def test_stop_while_streaming(start: Callable[..., Server]) -> None:
    server = start("--timeout-graceful-shutdown", "0.3")
    with httpx.stream("GET", f"{server.url}/events", trust_env=False) as response:
        lines = response.iter_lines()
        assert next(lines) == "id: 0"
        server.terminate()
        with pytest.raises(httpx.RemoteProtocolError):
            for _ in lines:
                pass
    server.check_stopped(excused="Cancel 1 running task")
