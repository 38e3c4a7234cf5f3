"""examples/fastapi_app: JSON and models, and what `async def`, `def` and a blocking call do to others."""

from __future__ import annotations

import html
import http.client
import json
import re
import select
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from .client import TOTAL, ask_many
from .server import Example, Server
from .tools import curl_as_written, needs_curl, needs_wrk, wrk

pytest.importorskip("fastapi")

EXAMPLE = Example("fastapi_app")
SLOW_S = 1.0
"""How long a slow request takes: long enough for a quick one to be sent and answered meanwhile."""


def get(connection: http.client.HTTPConnection, path: str) -> Any:
    connection.request("GET", path)
    return answer(connection)


def answer(connection: http.client.HTTPConnection) -> Any:
    response = connection.getresponse()
    assert response.status == 200
    return json.loads(response.read())


def item_body(number: int) -> bytes:
    return b'{"item_id":%d,"q":"n%d","page":1}' % (number, number)


def item_path(number: int) -> str:
    return f"/items/{number}?q=n{number}"


def hellos_during(port: int, slow: str) -> tuple[Any, list[Any]]:
    """Ask for `slow` on one connection, and on another for /hello again and again until `slow` is answered.

    Returns:
        The answer of `slow`, and those of all the /hello; the last of these was sent before `slow` was done.
    """
    first, second = (http.client.HTTPConnection("127.0.0.1", port, timeout=30) for _ in range(2))
    try:
        first.request("GET", f"/{slow}?seconds={SLOW_S}")
        hellos = [get(second, "/hello")]
        while not select.select([first.sock], [], [], 0)[0]:
            hellos.append(get(second, "/hello"))
        return answer(first), hellos
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize("endpoint", ["async", "thread", "cured"])
def test_a_waiting_request_lets_others_pass(server: Server, endpoint: str) -> None:
    slow, hellos = hellos_during(server.port, endpoint)
    assert any(slow["began"] < hello["began"] < hello["ended"] < slow["ended"] for hello in hellos)


def test_a_blocking_call_stalls_everyone(server: Server) -> None:
    slow, hellos = hellos_during(server.port, "blocking")
    assert slow["ended"] == slow["began"] + 1, "nothing began or ended meanwhile"
    assert hellos[-1]["began"] > slow["ended"], "a request that was sent meanwhile had to wait"


def test_def_runs_in_a_thread_and_async_def_does_not(client: httpx.Client) -> None:
    assert client.get("/async?seconds=0").json()["thread"] == "MainThread"
    assert client.get("/thread?seconds=0").json()["thread"] != "MainThread"


def test_start_page_names_the_address_that_was_asked(client: httpx.Client, server: Server) -> None:
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"curl '{server.url}/blocking?seconds=5'" in page.text
    assert "{base}" not in page.text


@needs_curl
def test_every_command_of_the_start_page_works(client: httpx.Client) -> None:
    commands = re.findall(r"<pre>(curl .*?)</pre>", client.get("/").text, re.DOTALL)
    assert len(commands) >= 10
    for command in map(html.unescape, commands):
        told = json.loads(curl_as_written(command.replace("seconds=5", "seconds=0")))
        assert isinstance(told, dict), command


def test_json_from_path_and_query(client: httpx.Client) -> None:
    asked = client.get("/items/7", params={"q": "Grüße & ☕", "page": 2})
    assert asked.status_code == 200
    assert asked.headers["content-type"] == "application/json"
    assert asked.json() == {"item_id": 7, "q": "Grüße & ☕", "page": 2}
    assert client.get("/items/seven").status_code == 422
    assert client.get("/nowhere").json() == {"detail": "Not Found"}
    assert client.delete("/items/7").status_code == 405


def test_model_in_and_out(client: httpx.Client) -> None:
    made = client.post("/orders", json={"item": "cup", "amount": 2, "engraving": "für Ada"})
    assert made.status_code == 201
    assert made.json() == {"item": "cup", "amount": 2, "letters": 14}

    refused = client.post("/orders", json={"item": "", "amount": 0})
    assert refused.status_code == 422
    assert {problem["loc"][-1] for problem in refused.json()["detail"]} == {"item", "amount"}
    assert client.post("/orders", content=b"{").status_code == 422


def test_a_large_model_in_chunks(client: httpx.Client) -> None:
    """A body of some 3 MB with no Content-Length, which httpx sends chunked."""

    def parts() -> Iterator[bytes]:
        yield b'{"item": "cup", "amount": 1, "engraving": "'
        for _ in range(3000):
            yield b"x" * 1000
        yield b'"}'

    made = client.post("/orders", content=parts(), headers={"Content-Type": "application/json"})
    assert made.json() == {"item": "cup", "amount": 1, "letters": 3_000_000}


def test_openapi_document(client: httpx.Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/async", "/thread", "/blocking", "/cured", "/orders"} <= paths.keys()


def test_ten_thousand_requests_and_a_log_line_for_each(start: Callable[..., Server]) -> None:
    server = start()
    ask_many(server.port, item_path, item_body)
    server.stop()
    logged = re.findall(r'127\.0\.0\.1:\d+ - "GET /items/(\d+)\?q=n\1 HTTP/1\.1" 200 OK', server.output())
    assert len(logged) == TOTAL
    assert len(set(logged)) == TOTAL


@needs_wrk
@pytest.mark.parametrize("path", ["/hello", "/thread?seconds=0"])
def test_load(server: Server, path: str) -> None:
    load = wrk(server.url + path)
    assert load.requests > 0
    assert (load.refused, load.socket_errors) == (0, 0)


def test_stop_lets_a_request_in_flight_finish(start: Callable[..., Server]) -> None:
    server = start()
    busy, idle = (http.client.HTTPConnection("127.0.0.1", server.port, timeout=30) for _ in range(2))
    try:
        for connection in (busy, idle):
            get(connection, "/hello")
        busy.request("GET", f"/async?seconds={SLOW_S}")
        # What was sent first is read first: once this is answered, the other request is under way.
        get(idle, "/hello")
        server.terminate()
        assert idle.sock.recv(1) == b"", "an idle connection is closed at once"
        assert answer(busy)["endpoint"] == "async"
        server.check_stopped()
    finally:
        busy.close()
        idle.close()
    assert "Application shutdown complete" in server.output()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)
