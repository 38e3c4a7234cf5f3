"""What passes through TLS in bulk: all of it arrives, and the server holds little of it at any time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from .client import Client
from .script import answer, fill, mark, read, script, start, wait
from .tls import TlsServer

pytestmark = pytest.mark.proc

MB = 1_000_000
#: Beside the buffers of a TLS session in the event loop, which are larger than a plain connection's.
RSS_NOISE_BYTES = 3 * MB


class Upload(threading.Thread):
    """Sends `total` megabytes; `sent` are on their way."""

    def __init__(self, client: Client, total: int) -> None:
        super().__init__(daemon=True)
        self._client = client
        self.total = total
        self.sent = 0

    def run(self) -> None:
        block = b"u" * MB
        for _ in range(self.total):
            self._client.send(block)
            self.sent += 1

    def at_rest(self) -> int:
        return at_rest(lambda: self.sent)


def at_rest(count: Callable[[], int]) -> int:
    """The number, once it does not change any more."""
    found = -1
    while found != (now := count()):
        found = now
        time.sleep(0.3)
    return found


@pytest.mark.memory
def test_a_hundred_megabytes_that_the_application_does_not_read(
    start_tls: Callable[..., TlsServer],
) -> None:
    server = start_tls(**{"no-access-log": ""})
    target = script(wait("read"), mark("reading"), read(), answer())
    before = 0
    for total in (5, 100):  # the first upload pays for what the allocator keeps
        with server.connect(timeout_s=30) as client:
            head = f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {total * MB}\r\n\r\n"
            client.send(head.encode())
            upload = Upload(client, total)
            upload.start()
            if before:
                assert upload.at_rest() < 50, "the server reads what the application does not"
                assert server.rss_bytes() - before < RSS_NOISE_BYTES
            server.open_gate("read")
            upload.join()
            assert client.response("POST").status == 200
        before = before or server.rss_bytes()
    assert server.rss_bytes() - before < RSS_NOISE_BYTES
    assert [seen.body_length for seen in server.seen()] == [5 * MB, 100 * MB]


@pytest.mark.memory
def test_a_hundred_megabytes_that_the_client_does_not_take(start_tls: Callable[..., TlsServer]) -> None:
    server = start_tls(**{"no-access-log": ""})
    pieces = 1600
    target = script(start(200, ("content-length", str(pieces * 65536))), fill(65536, pieces))
    with server.connect(timeout_s=30) as client:
        warm = script(start(200, ("content-length", "6553600")), fill(65536, 100))
        assert len(client.ask(f"GET {warm} HTTP/1.1\r\nHost: a\r\n\r\n".encode()).body) == 6_553_600
    server.seen()
    before = server.rss_bytes()
    with server.connect(receive_buffer_bytes=32768, timeout_s=30) as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert at_rest(lambda: len(server.peek()[0].marks)) < pieces // 2, "send() does not wait"
        assert server.rss_bytes() - before < RSS_NOISE_BYTES
        assert drained(client.socket, pieces * 65536)
        assert server.rss_bytes() - before < RSS_NOISE_BYTES
    assert len(server.seen()[0].marks) == pieces


def drained(sock: socket.socket, body_bytes: int) -> bool:
    """Read a head and so many bytes, and keep none."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(65536)
    left = body_bytes - len(head.partition(b"\r\n\r\n")[2])
    while left > 0:
        left -= len(sock.recv(262144))
    return left == 0


@pytest.mark.parametrize("pieces", [1, 200])
def test_a_client_that_takes_nothing_is_given_up(start_tls: Callable[..., TlsServer], pieces: int) -> None:
    """What the deadline looks at is in two transports: the session's, and the one beneath."""
    server = start_tls(**{"write-timeout-s": 0.4, "timeout-keep-alive": 600})
    target = script(start(200, ("content-length", "20000000")), fill(20_000_000 // pieces, pieces))
    with server.connect(receive_buffer_bytes=32768) as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert client.receive()
        begin_s = time.monotonic()
        while server.holds(client):
            assert time.monotonic() - begin_s < 5, "still held"
            time.sleep(0.02)


def test_a_client_that_takes_its_answer_is_not_idle(start_tls: Callable[..., TlsServer]) -> None:
    """The keep-alive timeout does not run while an answer is on its way."""
    server = start_tls(**{"timeout-keep-alive": 0.4})
    target = script(start(200, ("content-length", "20000000")), fill(20_000_000))
    with server.connect(receive_buffer_bytes=65536, timeout_s=20) as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        for _ in range(6):
            assert client.receive()
            time.sleep(0.2)
        assert len(client.response().body) == 20_000_000


def test_a_head_that_does_not_end_is_answered_under_tls_too(start_tls: Callable[..., TlsServer]) -> None:
    server = start_tls(**{"head-timeout-s": 0.4})
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\n")
        assert client.response().status == 408
        client.expect_eof()
