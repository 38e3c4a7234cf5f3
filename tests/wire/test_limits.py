"""How much is too much? Each limit holds exactly: what is at the limit is served, one more is refused.

Rows 25, 26 and 39 of the hostile cases. The server's own words for what counts: the request line from its
first byte to the end of the target; the header section from there to the end of the head, its empty line
included; a chunk's extension from its semicolon to the line's end; the trailer section with its empty line.
"""

from __future__ import annotations

import pytest

from .exchange import Delivery
from .script import answer, script
from .servers import PROFILES, Pool, Server
from .verdict import LAST, SMUGGLED, TE, G, P, assert_refused, assert_served

LIMITS = {name: int(value) for name, value in PROFILES["limits"].items()}
CLOSE = b"Connection: close\r\n"


@pytest.fixture
def limited(pool: Pool, http: str) -> Server:
    running = pool.get(http, "limits")
    running.seen()
    return running


def request_line(size: int) -> bytes:
    """A head whose request line has this size, to the end of the target."""
    return b"GET /" + b"a" * (size - 5) + b" HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"\r\n"


def header_section(size: int) -> bytes:
    """A head whose header section has this size, from the end of the target on."""
    start, end = b" HTTP/1.1\r\nHost: a\r\n" + CLOSE + b"X: ", b"\r\n\r\n"
    return b"GET /" + start + b"y" * (size - len(start) - len(end)) + end


def field_count(count: int) -> bytes:
    fields = [b"Host: a", b"Connection: close", *(b"X%d: y" % i for i in range(count - 2))]
    return b"GET / HTTP/1.1\r\n" + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


@pytest.mark.parametrize(
    ("head", "limit", "status"),
    [
        (request_line, "request-line-bytes-max", 414),
        (header_section, "header-bytes-max", 431),
        (field_count, "header-count-max", 431),
    ],
)
def test_row_26_head_at_its_limit(deliver: Delivery, head: object, limit: str, status: int) -> None:
    assert callable(head)
    assert_served(deliver(head(LIMITS[limit]), profile="limits"))
    assert_refused(deliver(head(LIMITS[limit] + 1) + SMUGGLED, profile="limits"), statuses=(status,))


@pytest.mark.parametrize(
    ("head", "statuses"),
    [
        (b"GET /" + b"a" * 3000, [414]),
        (b"GET /?" + b"a" * 3000, [414]),
        (b"G" * 3000, [400, 414, 501]),
        (b"\r\n" * 1500, [400, 414, 431]),
        (G + b"X: " + b"y" * 3000, [431]),
        (G + b"X" * 3000, [431]),
        (G + b"X:" + b" " * 3000, [431]),
        (G + b"X: y\r\n" * 500, [431]),
        (G + b"X:" + b"\t \t" * 1000 + b"\r\n\r\n", [431]),
        (b"GET / HTTP/1.1" + b"1" * 3000, [400, 414, 431, 505]),
        (b"GET " + b" " * 3000, [400, 414]),
    ],
    ids=["path", "query", "method", "lines", "value", "name", "spaces", "fields", "tabs", "version", "gap"],
)
def test_row_26_endless_head(deliver: Delivery, head: bytes, statuses: list[int]) -> None:
    assert_refused(deliver(head, profile="limits"), statuses)


def test_row_26_ten_thousand_header_fields(deliver: Delivery) -> None:
    fields = b"".join(b"X%d: y\r\n" % i for i in range(10_000))
    assert_refused(deliver(G + fields + b"\r\n" + SMUGGLED), statuses=(431,))


def test_default_limits_hold_an_ordinary_large_head(deliver: Delivery) -> None:
    cookie = b"Cookie: " + b"c" * 8000 + b"\r\n"
    fields = b"".join(b"X%d: y\r\n" % i for i in range(100))
    assert_served(
        deliver(b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\nHost: a\r\n" + cookie + fields + CLOSE + b"\r\n")
    )


def test_body_with_a_length_at_its_limit(deliver: Delivery) -> None:
    size = LIMITS["body-bytes-max"]
    outcome = deliver(P + CLOSE + b"Content-Length: %d\r\n\r\n" % size + b"b" * size, profile="limits")
    assert_served(outcome, "POST")
    assert outcome.seen[0].body_length == size
    over = P + b"Content-Length: %d\r\n\r\n" % (size + 1) + b"b" * (size + 1) + SMUGGLED
    assert_refused(deliver(over, profile="limits"), statuses=(413,))


def test_body_in_chunks_at_its_limit(deliver: Delivery) -> None:
    def body(size: int) -> bytes:
        return b"1f4\r\n" + b"b" * 500 + b"\r\n%x\r\n" % (size - 500) + b"b" * (size - 500) + b"\r\n0\r\n\r\n"

    size = LIMITS["body-bytes-max"]
    outcome = deliver(P + CLOSE + TE + b"\r\n" + body(size), profile="limits")
    assert_served(outcome, "POST")
    assert outcome.seen[0].body_length == size
    over = deliver(P + TE + b"\r\n" + body(size + 1) + SMUGGLED, profile="limits")
    assert_refused(over, statuses=(413,), body_begun=True)


def test_body_beyond_its_limit_with_an_error_behind_it(deliver: Delivery) -> None:
    """The first fault counts, also where both come in one read."""
    body = b"%x\r\n" % (LIMITS["body-bytes-max"] + 1) + b"b" * (LIMITS["body-bytes-max"] + 1)
    over = deliver(P + TE + b"\r\n" + body + b"\r\n+1\r\n" + SMUGGLED, profile="limits")
    assert_refused(over, statuses=(413,), body_begun=True)


@pytest.mark.parametrize("digits", [1, 8])
def test_chunk_extension_at_its_limit(deliver: Delivery, digits: int) -> None:
    def body(extension_size: int) -> bytes:
        extension = b";" + b"a" * (extension_size - 1)
        size = b"5".rjust(digits, b"0")
        return (size + extension + b"\r\nhello\r\n") * 2 + b"0" + extension + b"\r\n\r\n"

    limit = LIMITS["chunk-extension-bytes-max"]
    assert_served(deliver(P + CLOSE + TE + b"\r\n" + body(limit), profile="limits"), "POST")
    over = deliver(P + TE + b"\r\n" + body(limit + 1) + SMUGGLED, profile="limits")
    assert_refused(over, statuses=(400, 413, 431), body_begun=True)


def test_trailer_section_at_its_limit(deliver: Delivery) -> None:
    def body(size: int) -> bytes:
        return b"5\r\nhello\r\n0\r\nX: " + b"y" * (size - 7) + b"\r\n\r\n"

    limit = LIMITS["header-bytes-max"]
    assert_served(deliver(P + CLOSE + TE + b"\r\n" + body(limit), profile="limits"), "POST")
    over = deliver(P + TE + b"\r\n" + body(limit + 1) + SMUGGLED, profile="limits")
    assert_refused(over, statuses=(431,), body_begun=True)


def test_trailer_fields_at_their_limit(deliver: Delivery) -> None:
    def body(count: int) -> bytes:
        return b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * count + b"\r\n"

    limit = LIMITS["header-count-max"]
    assert_served(deliver(P + CLOSE + TE + b"\r\n" + body(limit), profile="limits"), "POST")
    over = deliver(P + TE + b"\r\n" + body(limit + 1) + SMUGGLED, profile="limits")
    assert_refused(over, statuses=(431,), body_begun=True)


def test_more_pipelined_requests_than_one_turn_answers(deliver: Delivery) -> None:
    count = 3 * LIMITS["pipelined-requests-max"] + 1
    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(count))
    outcome = deliver(requests + LAST, profile="limits")
    assert_served(outcome)
    assert [seen.path for seen in outcome.seen] == [*(f"/{i}" for i in range(count)), "/last"]


def post_unread(size: int) -> bytes:
    """The head of a request whose body the application does not read."""
    return f"POST {script(answer())} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()


def test_unread_body_at_the_limit_of_what_is_discarded(limited: Server) -> None:
    """The rest of a body that nobody reads is discarded to keep the connection, up to the limit."""
    size = LIMITS["discard-bytes-max"]
    with limited.connect() as client:
        assert client.ask(post_unread(size)).status == 200
        client.send(b"b" * size)
        assert client.ask(LAST).status == 200
        client.expect_eof()
    with limited.connect() as client:
        assert client.ask(post_unread(size + 1)).status == 200
        client.send(b"b" * (size + 1) + SMUGGLED)
        client.expect_eof()
    assert [seen.path for seen in limited.seen() if not seen.path.startswith("/script/")] == ["/last"]


@pytest.mark.parametrize("framing", [b"Content-Length: 8000000\r\n", TE], ids=["length", "chunked"])
def test_row_39_early_413_while_the_client_sends(limited: Server, framing: bytes) -> None:
    """The client sends all of it before it reads: the whole answer must be there, and no RST before it."""
    with limited.connect() as client:
        client.send(P + framing + b"\r\n")
        chunk = b"f4240\r\n" + b"b" * 1_000_000 + b"\r\n" if framing == TE else b"b" * 1_000_000
        for _ in range(8):
            client.send(chunk)
        response = client.response()
        assert response.status == 413
        assert response.closes
        client.expect_eof()
    assert [seen for seen in limited.seen() if seen.complete] == []


def test_row_39_early_answer_of_the_application_while_the_client_sends(server: Server) -> None:
    with server.connect() as client:
        client.send(post_unread(8_000_000))
        for _ in range(8):
            client.send(b"b" * 1_000_000)
        response = client.response()
        assert (response.status, response.body) == (200, b"ok")
        client.expect_eof()
