"""What does a client's conduct cost the server? Memory, descriptors and processor time stay bounded.

Rows 32, 41 and 43 of the hostile cases, and flow control both ways. The bounds are wide beside what the
server uses, and narrow beside what a server uses that keeps what it should let go.
"""

from __future__ import annotations

import time

import pytest

from .client import Client
from .script import answer, fill, mark, read, script, start, wait, wait_disconnect
from .servers import Pool, Server
from .verdict import G

pytestmark = pytest.mark.proc

MB = 1_000_000
RSS_NOISE_BYTES = MB

UPLOAD = f"POST {script(wait('read'), mark('reading'), read(), answer())} HTTP/1.1\r\nHost: a\r\n"


@pytest.fixture
def quiet(pool: Pool, http: str) -> Server:
    """A server of whose memory and descriptors no other test makes use; its keep-alive timeout is long."""
    running = pool.get(http, "quiet")
    running.seen()
    return running


@pytest.fixture(params=["plain", "asyncio"], ids=["uvloop", "asyncio"])
def on_either_loop(request: pytest.FixtureRequest, pool: Pool, http: str) -> Server:
    """Flow control is the transport's word, and the two loops' transports differ."""
    running = pool.get(http, request.param)
    running.seen()
    return running


def gated_get(*steps: object) -> bytes:
    return f"GET {script(wait('go'), *steps)} HTTP/1.1\r\nHost: a\r\n\r\n".encode()  # type: ignore[arg-type]


def upload(client: Client, size: int) -> None:
    block = b"u" * MB
    for _ in range(size // MB):
        client.send(block)


@pytest.mark.memory
def test_upload_that_the_application_does_not_read(quiet: Server) -> None:
    assert_upload_is_bounded(quiet, 200 * MB)


@pytest.mark.memory
def test_upload_on_either_loop(on_either_loop: Server) -> None:
    assert_upload_is_bounded(on_either_loop, 100 * MB)


@pytest.mark.memory
@pytest.mark.huge
def test_upload_of_a_gigabyte(quiet: Server) -> None:
    assert_upload_is_bounded(quiet, 1000 * MB)


def assert_upload_is_bounded(server: Server, size: int) -> None:
    """While the application does not read, the socket fills and the process does not; then all arrives."""
    with server.connect() as client:  # the first upload pays for what the allocator keeps
        server.open_gate("read")
        client.send(UPLOAD.encode() + b"Content-Length: %d\r\n\r\n" % (5 * MB))
        upload(client, 5 * MB)
        assert client.response("POST").status == 200
    before = server.rss_bytes()
    with server.connect(timeout_s=30) as client:
        client.send(UPLOAD.encode() + b"Content-Length: %d\r\n\r\n" % size)
        sent = client.send_until_blocked(bytes(64 * MB))
        assert sent < 64 * MB, "the server reads what the application does not"
        assert server.rss_bytes() - before < RSS_NOISE_BYTES
        server.open_gate("read")
        client.send(bytes(-sent % MB))
        upload(client, size - sent - (-sent % MB))
        assert client.response("POST").status == 200
        assert server.rss_bytes() - before < RSS_NOISE_BYTES
    assert [seen.body_length for seen in server.seen()] == [5 * MB, size]


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_client_that_does_not_read_suspends_send(on_either_loop: Server, framing: str) -> None:
    pieces, size = 320, 65536
    fields = [("content-length", str(pieces * size))] if framing == "length" else []
    request = f"GET {script(start(200, *fields), fill(size, pieces))} HTTP/1.1\r\nHost: a\r\n\r\n"
    with on_either_loop.connect(receive_buffer_bytes=32768, timeout_s=20) as client:
        client.send(request.encode())
        marks = marks_at_rest(on_either_loop)
        assert marks < pieces * 3 // 4, "send() does not wait for the client"
        assert len(client.response().body) == pieces * size
    assert len(on_either_loop.seen()[0].marks) == pieces


def marks_at_rest(server: Server) -> int:
    """How many marks the one request on record has once it makes no more."""
    marks = -1
    while True:
        found = len(server.peek()[0].marks)
        if found == marks:
            return marks
        marks = found
        time.sleep(0.1)


def test_suspended_send_is_released_when_the_client_goes(on_either_loop: Server) -> None:
    log_start = on_either_loop.stderr_size()
    request = f"GET {script(start(200), fill(65536, 1000))} HTTP/1.1\r\nHost: a\r\n\r\n"
    with on_either_loop.connect(receive_buffer_bytes=32768) as client:
        client.send(request.encode())
        assert marks_at_rest(on_either_loop) < 1000
        client.reset()
        begin_s = time.monotonic()
        (seen,) = on_either_loop.seen()
        assert seen.finished and seen.error.endswith(" OSError")
        assert time.monotonic() - begin_s < 1
    assert "Traceback" not in on_either_loop.stderr(log_start)


def test_client_that_goes_is_heard_of_at_once(server: Server) -> None:
    with server.connect() as client:
        client.send(f"GET {script(read(), wait_disconnect())} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        server.await_seen(lambda seen: seen.complete)
        client.reset()
        begin_s = time.monotonic()
        assert server.seen()[0].disconnected
        assert time.monotonic() - begin_s < 1


@pytest.mark.memory
def test_row_32_ten_thousand_pipelined_requests_while_the_application_waits(quiet: Server) -> None:
    """Reads pause while the first request runs, and again while nobody takes the answers."""
    pad = b"X: " + b"p" * 2000 + b"\r\n"
    target = script(read(), start(200), fill(5000)).encode()
    request = b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n" + pad + b"\r\n"
    with quiet.connect() as client:  # warm
        client.ask(request * 1)
    quiet.seen()
    before = quiet.rss_bytes()
    with quiet.connect(send_buffer_bytes=65536, receive_buffer_bytes=65536) as client:
        client.send(gated_get(answer()))
        flood = request * 10_000
        sent = client.send_until_blocked(flood)
        assert sent < len(flood), "the server reads requests that it cannot answer yet"
        assert quiet.rss_bytes() - before < RSS_NOISE_BYTES
        quiet.open_gate("go")
        sent += client.send_until_blocked(flood[sent:])
        assert sent < len(flood), "the server reads requests whose answers nobody takes"
        # The record of each request that was served lives in the same process.
        served = len(quiet.peek())
        assert served < 5000
        assert quiet.rss_bytes() - before < RSS_NOISE_BYTES + served * 8000
    quiet.seen()


def test_row_41_connect_and_half_close_a_thousand_times(quiet: Server) -> None:
    quiet.seen()
    descriptors, cpu_s = quiet.descriptors(), quiet.cpu_s()
    for _ in range(1000):
        with quiet.connect() as client:
            client.shutdown_write()
            client.expect_eof()
    assert_descriptors(quiet, descriptors)
    assert quiet.cpu_s() - cpu_s < 2, "a half-closed connection keeps the processor busy"


def test_row_41_half_closed_while_the_application_waits(quiet: Server) -> None:
    """Nothing turns while the request runs: its client's end is noted once."""
    descriptors = quiet.descriptors()
    clients = [quiet.connect() for _ in range(50)]
    for client in clients:
        client.send(gated_get(answer()))
        client.shutdown_write()
    quiet.await_seen(lambda seen: True)
    cpu_s = quiet.cpu_s()
    time.sleep(0.5)
    assert quiet.cpu_s() - cpu_s < 0.2
    for _ in clients:
        quiet.open_gate("go")
    for client in clients:
        assert client.response().status == 200
        client.expect_eof()
        client.close()
    quiet.seen()
    assert_descriptors(quiet, descriptors)


def assert_descriptors(server: Server, expected: int) -> None:
    """The server's descriptors come back to this number."""
    deadline_s = time.monotonic() + 3
    while server.descriptors() > expected:
        assert time.monotonic() < deadline_s, f"{server.descriptors()} descriptors, {expected} before"
        time.sleep(0.01)


@pytest.mark.memory
@pytest.mark.parametrize("half_sent", [b"", G], ids=["idle", "within the next head"])
def test_row_43_answer_then_reset_ten_thousand_times(quiet: Server, half_sent: bytes) -> None:
    def visit(times: int) -> None:
        for count in range(times):
            with quiet.connect() as client:
                response = client.ask(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % count)
                assert response.status == 200
                if half_sent:
                    client.send(half_sent)
                client.reset()
            if count % 1000 == 999:
                quiet.seen()  # the record is the test's own memory

    visit(1000)
    quiet.seen()
    descriptors, objects, rss = quiet.descriptors(), quiet.objects(), quiet.rss_bytes()
    visit(10_000)
    quiet.seen()
    assert_descriptors(quiet, descriptors)
    kept = {name: count - objects.get(name, 0) for name, count in quiet.objects().items()}
    assert {name: more for name, more in kept.items() if more > 100} == {}
    assert quiet.rss_bytes() - rss < 2 * RSS_NOISE_BYTES
