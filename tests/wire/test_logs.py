"""What does the operator read? A line for each request, one for a bad one, nothing that a client could forge.

Row 27 of the hostile cases. The access log is uvicorn's, line by line, on stdout; the rest goes to stderr.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from .client import Client
from .script import answer, body, fail, read, script, start, wait_disconnect
from .servers import Server
from .verdict import LAST, G, P

CASES = pytest.mark.parametrize

CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")
"""What no log may hold: control characters, what a terminal takes for one, bytes that are no text."""


@pytest.fixture
def own(http: str) -> Iterator[Server]:
    """A server of this test alone: no other lines, and the whole allowance of lines about bad requests."""
    server = Server(http, {})
    yield server
    server.stop()


def test_access_log_line(own: Server) -> None:
    with own.connect() as client:
        client.ask(b"GET /path?query=1&b HTTP/1.1\r\nHost: a\r\n\r\n")
        client.ask(f"POST {script(answer(b'', 404))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        client.ask(b"HEAD /a%20b HTTP/1.1\r\nHost: a\r\n\r\n", "HEAD")
        client.ask(f"GET {script(answer(b'', 299))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        client.ask(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        port = client.port
    own.await_output(r"HTTP/1\.0")
    lines = own.stdout().splitlines()
    assert lines == [
        f'INFO:     127.0.0.1:{port} - "GET /path?query=1&b HTTP/1.1" 200 OK',
        f'INFO:     127.0.0.1:{port} - "POST {script(answer(b"", 404))} HTTP/1.1" 404 Not Found',
        f'INFO:     127.0.0.1:{port} - "HEAD /a%20b HTTP/1.1" 200 OK',
        f'INFO:     127.0.0.1:{port} - "GET {script(answer(b"", 299))} HTTP/1.1" 299 ',
        f'INFO:     127.0.0.1:{port} - "GET / HTTP/1.0" 200 OK',
    ]


def test_access_log_of_a_failure(own: Server) -> None:
    with own.connect() as client:
        client.ask(f"GET {script(fail())} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    own.await_output(r'HTTP/1\.1" 500 Internal Server Error')


def test_client_that_left_is_499_and_no_traceback(own: Server) -> None:
    target = script(read(), wait_disconnect(), start(200), body(b"ok"))
    with own.connect() as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        own.await_seen(lambda seen: seen.complete)
        client.reset()
    (seen,) = own.seen()
    assert seen.error.endswith(" OSError")
    text = own.await_output(re.escape(f'"GET {target} HTTP/1.1" 499'))
    assert "Traceback" not in text


HOSTILE_TEXT = [
    b"GET /a%0a%1b[31m HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /a?%0d%0aINFO:%20x%1b[31m HTTP/1.1\r\nHost: a\r\n\r\n",
    b'GET /"%22_200_OK HTTP/1.1\r\nHost: a\r\n\r\n',
    b"GET /%c2%9b31m%e2%80%a8x HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /%ff%fe%00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /\\x0a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /\xe2\x80\xa8 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /a?\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x1b[31m / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\x1b\r\nHost: a\r\n\r\n",
    G + b"X: \x1b[31m\r\n\r\n",
    G + b"\x1b: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \x1b[31m\r\n\r\n",
    G + b"Content-Length: \x1b[31m\r\n\r\n",
    G + b"X-Forwarded-For: \x1b[31m\r\nX-Forwarded-Host: \x0b\r\n\r\n",
    P + b"Transfer-Encoding: chunked\r\n\r\n\x1b[31m\r\n",
    f"GET {script(fail())}/%0aERROR:%20%1b[31m HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    f"GET {script()}/%0aERROR:%20%1b[31m HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
]


def test_row_27_no_field_reaches_a_log_as_it_is(http: str) -> None:
    server = Server(http, {"log-level": "debug"})
    try:
        for message in HOSTILE_TEXT:
            with server.connect() as client:
                client.send(message)
                client.shutdown_write()
                client.read_to_end()
        with server.connect() as client:
            client.ask(b"GET /the-last-one HTTP/1.1\r\nHost: a\r\n\r\n")
        text = server.await_output("the-last-one")
        assert CONTROLS.findall(text) == []
        assert all(line.startswith("INFO:     127.0.0.1:") for line in server.stdout().splitlines())
        assert "ERROR: \x1b" not in text and "\nERROR: %1b" not in text
    finally:
        server.stop()


def test_bad_request_is_one_line_with_peer_reason_and_excerpt(own: Server) -> None:
    with own.connect() as client:
        client.send(b"GET /the-excerpt HTTP/1.1\r\nHost: a\r\nX: \x1b\r\n\r\n")
        assert client.response().status == 400
        port = client.port
    own.await_output("the-excerpt")
    (line,) = [line for line in own.stderr().splitlines() if "the-excerpt" in line or str(port) in line]
    assert line.startswith("WARNING:")
    assert f"127.0.0.1:{port}" in line
    assert "Traceback" not in own.stderr()


def test_bad_requests_cannot_flood_the_log(own: Server) -> None:
    for _ in range(300):
        with own.connect() as client:
            client.send(b"GET / HTTP/1.1\r\n\r\n")
            assert client.response().status == 400
    lines = [line for line in own.stderr().splitlines() if line.startswith("WARNING:")]
    assert 1 <= len(lines) <= 30
    assert "Traceback" not in own.stderr()


@CASES(
    "message", [b"GET / HTTP/1.1\r\n\r\n", P + b"Content-Length: 5\r\n\r\nhe", b"\x16\x03\x01\x02\x00\x01"]
)
def test_client_that_resets_leaves_no_traceback(own: Server, message: bytes) -> None:
    client = own.connect()
    client.send(message)
    client.reset()
    assert_served(own.connect())
    assert "Traceback" not in own.stderr()
    assert "ERROR" not in own.stderr()


def assert_served(client: Client) -> None:
    with client:
        assert client.ask(LAST).status == 200
        client.expect_eof()
