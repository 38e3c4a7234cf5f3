"""fastserve/testing.py and its pytest fixture: an application served in a thread while a test needs it."""

from __future__ import annotations

import http.client
import socket
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastserve import testing
from fastserve.errors import OptionError, StartupError
from fastserve.testing import Served, serve


def fetched(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # none of the environment's
    with opener.open(url, timeout=10) as response:
        text: str = response.read().decode()
        return text


class Greeter:
    """Greets, and remembers its lifespan."""

    def __init__(self) -> None:
        self.life: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                event = (await receive())["type"]
                self.life.append(event)
                await send({"type": event + ".complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "fastserve"]


def test_it_serves_while_the_block_runs() -> None:
    app = Greeter()
    with serve(app) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert fetched(server.url + "/") == "hello"
        assert app.life == ["lifespan.startup"]
        assert server.server.started
    assert app.life == ["lifespan.startup", "lifespan.shutdown"]
    assert threads() == []
    assert server.port is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), 5)


def test_two_at_a_time_and_options() -> None:
    with serve(Greeter(), server_header=False) as one, serve(Greeter(), headers=["X-A: 1"]) as two:
        assert one.port != two.port
        assert one.port is not None and two.port is not None
        for server, name, value in ((one, "server", None), (two, "x-a", "1")):
            connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
            connection.request("GET", "/")
            assert connection.getresponse().getheader(name) == value
            connection.close()


def test_a_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "test.sock")
    with serve(Greeter(), uds=path) as server, socket.socket(socket.AF_UNIX) as client:
        assert (server.host, server.port, server.url) == (path, None, "http://localhost")
        client.connect(path)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
        assert answer.endswith(b"\r\n\r\nhello")


def test_a_block_that_fails_ends_the_server_too() -> None:
    with pytest.raises(ZeroDivisionError), serve(Greeter()):
        raise ZeroDivisionError
    assert threads() == []


async def failing(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})


def test_what_cannot_start_is_raised_where_it_was_asked_for() -> None:
    with pytest.raises(StartupError), serve(failing):
        pytest.fail("it started")
    with pytest.raises(OptionError, match="prot"), serve(Greeter(), prot=1):
        pytest.fail("it started")
    assert threads() == []


def test_a_request_that_never_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.set()
        while True:
            await receive()  # also after the disconnect: it ignores its client's end
            import asyncio

            await asyncio.sleep(0.01)

    monkeypatch.setattr(testing, "TIMEOUT_S", 0.3)
    server = Served(app, lifespan="off")
    assert server.port is not None
    with socket.create_connection((server.host, server.port), 5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reached.wait(10)
        with pytest.raises(TimeoutError, match="a request is still in flight"):
            server.stop()


def test_the_fixture(fastserve_server: Callable[..., Served]) -> None:
    first, second = fastserve_server(Greeter()), fastserve_server(Greeter())
    assert fetched(first.url) == fetched(second.url) == "hello"


def test_the_fixture_ends_with_its_test() -> None:
    assert threads() == []
