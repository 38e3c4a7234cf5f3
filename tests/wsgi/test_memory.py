"""How much does a server process hold while a WSGI application takes or gives a lot, and thereafter?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from wire.client import Client
from wire.script import fill, read, script, start
from wire.servers import Server

MB = 1_000_000
#: What may be held of a body or an answer: the buffers of kernel, server and allocator.
GROWTH_BYTES_MAX = 24 * MB

pytestmark = [pytest.mark.proc, pytest.mark.memory]


@pytest.fixture(params=["4", "0"], ids=["threads", "inline"])
def server(request: pytest.FixtureRequest, http: str) -> Iterator[Server]:
    running = Server(http, {"wsgi-threads": request.param, "no-access-log": ""}, "wsgi.wire_app:app")
    yield running
    running.stop()


def upload(client: Client, size: int) -> int:
    """Send a body of this size; returns how much the application says it read."""
    client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode())
    piece = b"x" * MB
    for _ in range(size // MB):
        client.send(piece)
    length: int = client.response().json()["body_length"]
    return length


@pytest.mark.parametrize(
    "size", [100 * MB, pytest.param(1000 * MB, marks=pytest.mark.huge)], ids=["100 MB", "1 GB"]
)
def test_an_upload_moves_memory_by_little(server: Server, size: int) -> None:
    with server.connect(timeout_s=100) as client:
        upload(client, MB)
        before = server.rss_bytes()
        most = 0
        for _ in range(2):
            assert upload(client, size) == size
            most = max(most, server.rss_bytes())
    assert most - before < GROWTH_BYTES_MAX, f"it grew by {most - before}"
    server.seen()


def test_an_answer_to_a_slow_client_moves_memory_by_little(server: Server) -> None:
    with server.connect(timeout_s=100, receive_buffer_bytes=65536) as client:
        before = server.rss_bytes()
        client.send(f"GET {script(read(), start(200), fill(MB, 200))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        most = taken = 0
        while taken < 200 * MB:
            data = client.socket.recv(MB)
            assert data
            taken += len(data)
            most = max(most, server.rss_bytes())
    assert most - before < GROWTH_BYTES_MAX, f"it grew by {most - before}"
    server.seen()


def test_a_file_moves_memory_by_little(server: Server, tmp_path: Path) -> None:
    size, buffer = 200 * MB, bytearray(MB)
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(size)
    with server.connect(timeout_s=100) as client:
        before = server.rss_bytes()
        client.send(f"GET /__file{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        most = taken = 0
        while taken < size:
            received = client.socket.recv_into(buffer)
            assert received
            taken += received
            most = max(most, server.rss_bytes())
    assert most - before < GROWTH_BYTES_MAX, f"it grew by {most - before}"
    server.seen()


def test_nothing_is_left_of_requests(server: Server) -> None:
    """Whole ones, such as break off in their body, and such as nobody reads."""
    with server.connect() as client:
        client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        server.seen()
    before = server.objects()
    target = script(read(), start(200), fill(100_000, 20))
    for _ in range(50):
        with server.connect() as client:
            for _ in range(3):
                client.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        with server.connect() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        client = server.connect()
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        with contextlib.suppress(OSError):
            client.socket.recv(1000)
        client.reset()
    server.seen()
    ours = ("fastserve.wsgi", "fastserve.h1", "fastserve.net", "fastserve.stream", "fastserve.reference")
    left = {
        name: count - before.get(name, 0)
        for name, count in server.objects().items()
        if name.startswith(ours) and count - before.get(name, 0) > 1
    }
    for of_a_thread in ("fastserve.wsgi.pool.Worker", "fastserve.wsgi.environ.EnvironMaker"):
        left.pop(of_a_thread, None)  # threads come by need, and stay for a while
    assert left == {}
