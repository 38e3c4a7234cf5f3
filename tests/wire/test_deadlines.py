"""How long does the server wait? Each deadline ends what it is for and nothing else.

Row 42 of the hostile cases. The "deadlines" server waits 0.4 s for everything. A deadline may be late by the
sweep's interval and by a busy machine, and is never early; so a test's lower bound is tight and its upper
bound is wide.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from .app import WireApp
from .client import Client
from .memory import MemoryServer, MemoryTransport
from .script import answer, fill, read, script, start, wait, wait_disconnect
from .servers import PROFILES, Pool, Server
from .verdict import LAST, TE, G, P

DEADLINE_S = float(PROFILES["deadlines"]["head-timeout-s"])
EARLIEST_S = DEADLINE_S - 0.05
LATEST_S = DEADLINE_S + 2.0


@pytest.fixture
def impatient(pool: Pool, http: str) -> Server:
    running = pool.get(http, "deadlines")
    running.seen()
    return running


@pytest.fixture
def impatient_core(core: Callable[[str], MemoryServer]) -> MemoryServer:
    return core("deadlines")


class Stopwatch:
    """Measures from its making; asserts that the deadline has ended what it was to end, and not too early."""

    def __init__(self) -> None:
        self._begin_s = time.monotonic()

    def elapsed_s(self) -> float:
        return time.monotonic() - self._begin_s

    def assert_deadline(self) -> None:
        elapsed_s = self.elapsed_s()
        assert EARLIEST_S <= elapsed_s <= LATEST_S, (
            f"ended after {elapsed_s:.2f} s, the deadline is {DEADLINE_S} s"
        )


def drip(client: Client, data: bytes, interval_s: float = 0.05) -> bool:
    """Send one byte at a time until the server answers or closes; whether it did before the data's end."""
    client.socket.settimeout(interval_s)
    try:
        for i in range(len(data)):
            try:
                client.send(data[i : i + 1])
                client.receive()
                return True
            except TimeoutError:
                continue
            except ConnectionError:
                return True
        return False
    finally:
        client.socket.settimeout(5)


def assert_timed_out(client: Client) -> None:
    """408, or nothing, and the end."""
    if client.buffer or client.ending == "open":
        try:
            response = client.response()
        except AssertionError:
            assert client.buffer == b""
            assert client.ending == "eof"
            return
        assert response.status == 408
        assert response.closes
    client.expect_eof()


def test_row_42_connect_and_send_nothing(impatient: Server) -> None:
    watch = Stopwatch()
    with impatient.connect() as client:
        assert_timed_out(client)
    watch.assert_deadline()


@pytest.mark.parametrize(
    "begin", [b"", b"GET / HTTP/1.1\r\nHost: a\r\nX: "], ids=["from the start", "in a header"]
)
def test_row_42_head_that_trickles(impatient: Server, begin: bytes) -> None:
    watch = Stopwatch()
    with impatient.connect() as client:
        client.send(begin)
        assert drip(client, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100)
        watch.assert_deadline()
        assert_timed_out(client)
    assert impatient.seen() == []


@pytest.mark.parametrize("head", [b"G", G, b"\r\nG", G + b"\r"])
def test_row_42_head_that_stops(impatient: Server, head: bytes) -> None:
    watch = Stopwatch()
    with impatient.connect() as client:
        client.send(head)
        assert client.response().status == 408
        client.expect_eof()
    watch.assert_deadline()
    assert impatient.seen() == []


def test_empty_line_is_no_head(impatient: Server) -> None:
    """Some clients send one behind a body (RFC 9112, 2.2). They would take a 408 for their next answer."""
    watch = Stopwatch()
    with impatient.connect() as client:
        client.send(b"\r\n")
        client.expect_eof()
    watch.assert_deadline()


def test_row_42_second_head_that_trickles(impatient: Server) -> None:
    """The head's clock starts with its first byte, not with the connection, and not again with each byte."""
    with impatient.connect() as client:
        assert client.ask(G + b"\r\n").status == 200
        time.sleep(DEADLINE_S / 2)
        watch = Stopwatch()
        assert drip(client, G + b"X: " + b"x" * 100)
        watch.assert_deadline()
        assert client.response().status == 408
        client.expect_eof()
    assert len(impatient.seen()) == 1


@pytest.mark.parametrize(
    ("framing", "drop"), [(b"Content-Length: 1000\r\n", b"b"), (TE, b"1\r\nb\r\n")], ids=["length", "chunked"]
)
def test_row_42_body_that_trickles(impatient: Server, framing: bytes, drop: bytes) -> None:
    watch = Stopwatch()
    with impatient.connect() as client:
        client.send(P + framing + b"\r\n")
        assert drip(client, drop * 100)
        watch.assert_deadline()
        assert client.response().status == 408
        client.expect_eof()
    (seen,) = impatient.seen()
    assert seen.disconnected and not seen.complete


@pytest.mark.parametrize(
    "body", [b"Content-Length: 5\r\n\r\n", b"Content-Length: 5\r\n\r\nhell", TE + b"\r\n5\r\nhello\r\n"]
)
def test_row_42_body_that_stops(impatient: Server, body: bytes) -> None:
    watch = Stopwatch()
    with impatient.connect() as client:
        client.send(P + body)
        assert client.response().status == 408
        client.expect_eof()
    watch.assert_deadline()
    (seen,) = impatient.seen()
    assert seen.disconnected and not seen.complete


def test_body_above_the_minimum_rate_takes_its_time(impatient: Server) -> None:
    pieces, size = 12, 400
    with impatient.connect() as client:
        client.send(P + b"Content-Length: %d\r\n\r\n" % (pieces * size))
        for _ in range(pieces):
            client.send(b"b" * size)
            time.sleep(0.1)
        assert client.response("POST").json()["body_length"] == pieces * size


def test_body_whose_application_is_slow_takes_its_time(impatient: Server) -> None:
    """The client waits for the application: no deadline of the client's runs meanwhile."""
    size = 20_000_000
    target = script(wait("read"), read(), answer()).encode()
    with impatient.connect() as client:
        client.send(b"POST " + target + b" HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        sent = client.send_until_blocked(bytes(size), quiet_s=3 * DEADLINE_S)
        assert sent < size
        impatient.open_gate("read")
        client.send(bytes(size - sent))
        assert client.response("POST").status == 200


def test_idle_connection_ends_at_the_keep_alive_timeout(impatient: Server) -> None:
    with impatient.connect() as client:
        assert client.ask(G + b"\r\n").status == 200
        watch = Stopwatch()
        client.expect_eof()
        watch.assert_deadline()


def test_empty_line_is_no_request_to_wait_for(impatient: Server) -> None:
    """RFC 9112, 2.2: some clients send a CRLF too many; that is no head that would have to be answered."""
    with impatient.connect() as client:
        assert client.ask(G + b"\r\n\r\n").status == 200
        watch = Stopwatch()
        assert_timed_out(client)
        watch.assert_deadline()


def test_slow_application_meets_no_deadline(impatient: Server) -> None:
    request = f"GET {script(read(), wait('go'), answer(b'slow'))} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with impatient.connect() as client:
        client.send(request)
        client.expect_silence(3 * DEADLINE_S)
        impatient.open_gate("go")
        assert client.response().body == b"slow"
        assert client.ask(LAST).status == 200


def test_application_hears_of_a_half_closed_client_at_the_deadline(impatient: Server) -> None:
    request = f"GET {script(read(), wait_disconnect(), answer(b'late'))} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    watch = Stopwatch()
    with impatient.connect() as client:
        client.send(request)
        client.shutdown_write()
        client.read_to_end()
    watch.assert_deadline()
    assert impatient.seen()[0].disconnected


def test_half_close_that_comes_with_the_request_has_the_same_deadline(impatient_core: MemoryServer) -> None:
    """Both are there before the event loop has turned; the request may even be the second of two."""
    request = f"GET {script(read(), wait_disconnect(), answer(b'late'))} HTTP/1.1\r\nHost: a\r\n\r\n".encode()

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        watch = Stopwatch()
        client.feed(G + b"\r\n" + request)
        client.shut()
        assert await client.wait_for(lambda: client.lost, LATEST_S)
        watch.assert_deadline()
        assert app.seen[1].disconnected

    impatient_core.drive(scenario)


def test_client_that_takes_its_answers_slowly_is_not_idle(impatient_core: MemoryServer) -> None:
    """Neither while requests of its own wait behind those answers, nor when the last one is on its way."""
    request = f"GET {script(start(200), fill(100_000))} HTTP/1.1\r\nHost: a\r\n\r\n".encode()

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.stalled = True
        client.feed(request * 2)
        for begun in (1, 2):
            watch = Stopwatch()
            while watch.elapsed_s() < 2 * DEADLINE_S:
                await asyncio.sleep(DEADLINE_S / 8)
                client.take(10)
                assert not client.is_closing(), f"closed after {watch.elapsed_s():.2f} s"
            assert len(app.seen) == begun
            client.take(client.pending_bytes)
            await client.turns()
        watch = Stopwatch()
        assert await client.wait_for(lambda: client.lost, LATEST_S)
        watch.assert_deadline()

    impatient_core.drive(scenario)


def test_client_that_takes_nothing_is_given_up(impatient: Server) -> None:
    request = f"GET {script(start(200), fill(65536, 1000))} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with impatient.connect(receive_buffer_bytes=32768) as client:
        client.send(request)
        watch = Stopwatch()
        impatient.await_seen(lambda seen: seen.finished)
        watch.assert_deadline()
        (seen,) = impatient.seen()
        assert seen.error.endswith(" OSError")
        assert client.read_to_end().count(b"0\r\n\r\n") == 0


def test_client_that_takes_little_by_little_is_served(impatient_core: MemoryServer) -> None:
    """A deadline for a stalled client is none for a slow one."""

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.stalled = True
        client.feed(f"GET {script(start(200), fill(65536, 4))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        watch = Stopwatch()
        while watch.elapsed_s() < 4 * DEADLINE_S:
            await asyncio.sleep(DEADLINE_S / 8)
            client.take(100)
            assert not client.is_closing(), f"given up after {watch.elapsed_s():.2f} s"
        client.take()
        await client.turns(100)
        assert app.seen[0].finished
        assert client.sent.endswith(b"\r\n0\r\n\r\n")

    impatient_core.drive(scenario)


@pytest.mark.proc
def test_refused_client_that_stays_is_let_go(impatient: Server) -> None:
    """Lingering ends: the server has answered, shut its side, and does not wait for ever for the client's."""
    with impatient.connect() as client:
        watch = Stopwatch()
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert client.response().status == 400
        client.expect_eof()
        while impatient.holds(client):
            assert watch.elapsed_s() < LATEST_S
            time.sleep(0.01)
        watch.assert_deadline()


@pytest.mark.proc
def test_refused_client_that_goes_on_sending_is_let_go(impatient: Server) -> None:
    with impatient.connect() as client:
        watch = Stopwatch()
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        assert client.response().status == 400
        while impatient.holds(client):
            assert watch.elapsed_s() < 12 * DEADLINE_S + 2
            try:
                client.send(b"x")
            except ConnectionError:
                break
            time.sleep(0.02)
        assert watch.elapsed_s() > EARLIEST_S
