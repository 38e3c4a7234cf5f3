"""What becomes of the connection after this request?

Rows 29-31, 33-36 and 40 of the hostile cases. RFC 9112, 9 (connections); RFC 9110, 10.1.1 (Expect), 7.8
(Upgrade).
"""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from .app import WireApp
from .exchange import Delivery
from .memory import MemoryServer, MemoryTransport
from .script import answer, body, fill, read, receive, script, start, wait
from .servers import PROFILES, Pool, Server
from .verdict import LAST, SMUGGLED, TE, G, P, assert_answers, assert_ended, assert_served

CASES = pytest.mark.parametrize
GATED = f"GET {script(wait('go'), answer(b'slow'))} HTTP/1.1\r\nHost: a\r\n".encode()


@CASES("rubbish", [SMUGGLED, b"\x00\xff rubbish", b"\r\n\r\n", b"G", b"x" * 1000])
@CASES(
    "connection",
    [b"close", b"close\t", b"\tclose", b"CLOSE", b"foo, close", b"close, foo", b"keep-alive, close"],
)
def test_rows_29_and_30_rubbish_behind_the_last_request(
    deliver: Delivery, connection: bytes, rubbish: bytes
) -> None:
    outcome = deliver(G + b"Connection: " + connection + b"\r\n\r\n" + rubbish, late=True)
    responses = assert_served(outcome)
    assert len(responses) == 1
    assert_ended(outcome, responses[0])


def test_connection_close_in_the_second_of_two_fields(deliver: Delivery) -> None:
    outcome = deliver(G + b"Connection: keep-alive\r\nConnection: close\r\n\r\n" + SMUGGLED, late=True)
    assert len(assert_served(outcome)) == 1


def test_rubbish_behind_a_request_of_http_1_0(deliver: Delivery) -> None:
    assert len(assert_served(deliver(b"GET / HTTP/1.0\r\n\r\n" + SMUGGLED, late=True))) == 1


def test_row_31_pipelined_in_order_each_in_a_fresh_context(deliver: Delivery) -> None:
    outcome = deliver(GATED + b"\r\n" + LAST, gate="go")
    first, _ = assert_answers(outcome, 200, 200)
    assert first.body == b"slow"
    assert [seen.path == "/last" for seen in outcome.seen] == [False, True]
    assert not any(seen.context_leaked for seen in outcome.seen)


def test_row_31_first_slower_than_the_keep_alive_timeout(pool: Pool, http: str) -> None:
    server = pool.get(http, "deadlines")
    server.seen()
    with server.connect() as client:
        client.send(GATED + b"\r\n" + LAST)
        client.expect_silence(2 * float(PROFILES["deadlines"]["timeout-keep-alive"]))
        server.open_gate("go")
        assert client.response().body == b"slow"
        assert client.response().json()["path"] == "/last"
        client.expect_eof()
    assert not any(seen.context_leaked for seen in server.seen())


@CASES(
    "invalid",
    [b"\x00" * 20, b"GET / HTTP/1.1\r\n\r\n", P + b"Content-Length: x\r\n\r\n", b"GET / HTTP/1.1\n\n"],
)
def test_row_33_invalid_request_while_a_valid_one_runs(deliver: Delivery, invalid: bytes) -> None:
    outcome = deliver(GATED + b"\r\n" + invalid + SMUGGLED, gate="go")
    first, second = assert_answers(outcome, 200, 400)
    assert first.body == b"slow"
    assert_ended(outcome, second)
    assert len(outcome.seen) == 1


H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
WEBSOCKET = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@CASES("framing", [TE + b"\r\n5\r\nhello\r\n0\r\n\r\n", b"Content-Length: 5\r\n\r\nhello"])
@CASES("upgrade", [H2C, b"Connection: upgrade\r\nUpgrade: foo/2\r\n", b"Upgrade: h2c\r\n"])
def test_row_34_upgrade_that_is_not_taken(deliver: Delivery, upgrade: bytes, framing: bytes) -> None:
    outcome = deliver(P + upgrade + framing + LAST)
    assert_served(outcome, "POST", "GET")
    assert [(seen.method, seen.body) for seen in outcome.seen] == [("POST", "hello"), ("GET", "")]


@CASES("framing", [TE + b"\r\n5\r\nhello\r\n0\r\n\r\n", b"Content-Length: 5\r\n\r\nhello"])
def test_row_35_refused_websocket_upgrade_with_a_body(deliver: Delivery, framing: bytes) -> None:
    """The application refuses a websocket, or answers what comes as http; either way the body is one."""
    outcome = deliver(G + WEBSOCKET + framing + LAST)
    first, second = outcome.responses()
    assert first.status in (200, 403)
    assert second.json()["path"] == "/last"
    assert outcome.ending == "eof"


EXPECT = b"Expect: 100-continue\r\nContent-Length: 5\r\n"


@CASES("value", [b"100-continue", b"100-Continue"])
def test_row_36_continue_on_the_first_receive(server: Server, value: bytes) -> None:
    target = script(wait("read"), receive(), read(), answer(b"done")).encode()
    with server.connect() as client:
        client.send(
            b"POST " + target + b" HTTP/1.1\r\nHost: a\r\nExpect: " + value + b"\r\nContent-Length: 5\r\n\r\n"
        )
        client.expect_silence(0.1)
        server.open_gate("read")
        interim = client.response("POST")
        assert (interim.status, interim.headers) == (100, [])
        client.send(b"he")
        client.expect_silence()
        client.send(b"llo")
        assert client.response("POST").body == b"done"
        client.expect_silence()
    assert server.seen()[0].body == "hello"


def test_row_36_no_continue_for_an_application_that_does_not_read(server: Server) -> None:
    with server.connect() as client:
        client.send(
            b"POST " + script(answer(b"no")).encode() + b" HTTP/1.1\r\nHost: a\r\n" + EXPECT + b"\r\n"
        )
        assert client.response("POST").status == 200


def test_row_36_no_continue_behind_the_head_of_the_answer(server: Server) -> None:
    target = script(start(200, ("content-length", "4")), body(b"do", more=True), read(), body(b"ne")).encode()
    with server.connect() as client:
        client.send(b"POST " + target + b" HTTP/1.1\r\nHost: a\r\n" + EXPECT + b"\r\n")
        while not client.buffer.endswith(b"do"):
            assert client.receive(), "no head of the answer"
        client.send(b"hello")
        response = client.response("POST")
        assert (response.status, response.body) == (200, b"done")


def test_row_36_no_continue_in_http_1_0(server: Server) -> None:
    with server.connect() as client:
        client.send(b"POST / HTTP/1.0\r\nHost: a\r\n" + EXPECT + b"\r\n")
        client.expect_silence(0.1)
        client.send(b"hello")
        assert client.response("POST").json()["body"] == "hello"
        client.expect_eof()


def test_row_36_body_that_does_not_wait(deliver: Delivery) -> None:
    outcome = deliver(P + EXPECT + b"\r\nhello" + LAST)
    finals = [r for r in outcome.responses("POST", "GET") if r.status >= 200]
    assert [r.status for r in finals] == [200, 200]
    assert [seen.body for seen in outcome.seen] == ["hello", ""]


def test_row_36_empty_body_in_chunks(deliver: Delivery) -> None:
    """Nobody waits behind the whole body, wherever it was cut: the connection serves on."""
    data = P + TE + b"Expect: 100-continue\r\n\r\n0\r\n\r\n" + LAST
    assert_answers(deliver(data), 200, 200)


def test_row_36_without_a_body(deliver: Delivery) -> None:
    outcome = deliver(G + b"Expect: 100-continue\r\n\r\n" + LAST)
    assert [r.status for r in outcome.responses()] == [200, 200]


@CASES("value", [b"foo", b"100-continue, foo", b"200-ok", b"100-continue=1"])
def test_row_36_another_expectation(deliver: Delivery, value: bytes) -> None:
    outcome = deliver(P + b"Expect: " + value + b"\r\nContent-Length: 5\r\n\r\nhello" + LAST, late=True)
    responses = outcome.responses("POST", "GET")
    assert responses[0].status == 417
    assert [seen.path for seen in outcome.seen] == ["/last"] * (len(responses) - 1)
    assert_ended(outcome, responses[-1])


def test_row_40_shut_down_behind_a_request(deliver: Delivery) -> None:
    outcome = deliver(G + b"\r\n", half_close=True)
    assert len(assert_served(outcome)) == 1


def test_row_40_shut_down_behind_pipelined_requests(deliver: Delivery) -> None:
    outcome = deliver((G + b"\r\n") * 3 + P + b"Content-Length: 5\r\n\r\nhello", half_close=True)
    assert len(assert_served(outcome, "GET", "GET", "GET", "POST")) == 4


def test_row_40_shut_down_while_a_request_runs(deliver: Delivery) -> None:
    outcome = deliver(GATED + b"\r\n", half_close=True, gate="go")
    assert outcome.response().body == b"slow"
    assert outcome.ending == "eof"


def test_row_40_shut_down_before_a_large_answer(server: Server) -> None:
    target = script(wait("go"), start(200), fill(100_000, 10)).encode()
    with server.connect() as client:
        client.send(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        client.shutdown_write()
        client.expect_silence(0.1)
        server.open_gate("go")
        assert len(client.response().body) == 1_000_000
        client.expect_eof()


@CASES("framing", [b"Content-Length: 9\r\n\r\nhello", TE + b"\r\n5\r\nhello\r\n0\r\n"])
@CASES("turns", [0, 1, 3])
def test_shut_down_within_a_body(core: Callable[[str], MemoryServer], framing: bytes, turns: int) -> None:
    """However soon it comes behind the last bytes: there will be no more of them."""

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.feed(G + b"\r\n" + P + framing)
        await client.turns(turns)
        client.shut()
        await client.turns(10)
        assert client.lost
        assert client.sent.count(b"HTTP/1.1 ") == 1
        assert [(seen.disconnected, seen.complete) for seen in app.seen] == [(False, True), (True, False)]

    core("plain").drive(scenario)


@CASES("turns", [0, 1, 3])
def test_shut_down_behind_a_body_that_nobody_reads(core: Callable[[str], MemoryServer], turns: int) -> None:
    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.feed(f"POST {script(answer())} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe".encode())
        client.feed(b"llo" + LAST)
        await client.turns(turns)
        client.shut()
        await client.turns(10)
        assert client.lost
        assert client.sent.count(b"HTTP/1.1 200 OK\r\n") == 2

    core("plain").drive(scenario)


def test_reset_that_comes_before_the_end(core: Callable[[str], MemoryServer]) -> None:
    """asyncio shuts the socket at once, which fails when the client has reset it."""

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        def write_eof() -> None:
            raise OSError(errno.ENOTCONN, "not connected")

        client.write_eof = write_eof  # type: ignore[method-assign]
        head = f"POST {script(answer())} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".encode()
        client.feed(head + b"Content-Length: 9\r\n\r\nhello")
        await client.turns(10)
        assert client.lost
        assert [seen.error for seen in app.seen] == [""]

    core("plain").drive(scenario)


STILL_SENDING = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x00",
    P + b"Content-Length: x\r\n\r\nhello",
    P + b"Content-Length: 1001\r\n\r\nhello",
    P + b"Content-Length: 5\r\nExpect: x\r\n\r\nhello",
    P + TE + b"\r\nx",
    P + TE + b"\r\n0\r\nHost: a\r\n",
    P + TE + b"\r\n3e9\r\n" + b"b" * 1001,
    P + TE + b"\r\n3e9\r\n" + b"b" * 1001 + b"\r\n0\r\n\r\n",
]


@CASES("rest", [b"", b"x", SMUGGLED], ids=["nothing", "a byte", "a request"])
@CASES("message", STILL_SENDING)
def test_refused_client_may_go_on_sending(
    core: Callable[[str], MemoryServer], message: bytes, rest: bytes
) -> None:
    """The server shuts its side and reads on: a close would be a reset, which may overtake the answer."""

    async def scenario(client: MemoryTransport, app: WireApp) -> None:
        client.feed(message + rest)
        await client.turns(20)
        assert client.sent.startswith(b"HTTP/1.1 4")
        if b"connection: close\r\n" in client.sent.lower():
            assert client.eof_sent
            assert not client.is_closing()
            client.feed(b"more")
            await client.turns()
            assert not client.is_closing()
            assert not client.get_protocol().eof_received(), "the client has ended as well"

    core("limits").drive(scenario)


def test_keep_alive_for_a_hundred_requests(server: Server) -> None:
    with server.connect() as client:
        for i in range(100):
            response = client.ask(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i)
            assert response.json()["path"] == f"/{i}"
            assert not response.closes
    assert len(server.seen()) == 100


def test_hundred_pipelined_requests_in_order(server: Server) -> None:
    with server.connect() as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(100)))
        assert [client.response().json()["path"] for _ in range(100)] == [f"/{i}" for i in range(100)]
        client.expect_silence()
    assert not any(seen.context_leaked for seen in server.seen())


def test_pipelined_requests_of_every_kind(deliver: Delivery) -> None:
    outcome = deliver(
        P + b"Content-Length: 5\r\n\r\nhello"
        + b"HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n"
        + P + TE + b"\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        + P + b"Content-Length: 0\r\n\r\n"
        + LAST
    )  # fmt: skip
    assert_served(outcome, "POST", "HEAD", "POST", "POST", "GET")
    assert [seen.body for seen in outcome.seen] == ["hello", "", "abcde", "", ""]


@CASES(
    ("fields", "kept"),
    [(b"", False), (b"Connection: keep-alive\r\n", True), (b"Connection: Keep-Alive\r\n", True)],
)
def test_http_1_0(deliver: Delivery, fields: bytes, kept: bool) -> None:
    outcome = deliver(b"GET / HTTP/1.0\r\n" + fields + b"\r\n" + LAST, late=True)
    responses = assert_served(outcome)
    assert len(responses) == 1 + kept
    assert outcome.seen[0].http_version == "1.0"
    # A 1.0 client takes the connection for closed unless it is told.
    assert (b"keep-alive" in responses[0].header("connection")) == kept


def test_http_1_0_answer_of_unknown_length_ends_with_the_connection(deliver: Delivery) -> None:
    target = script(start(200), body(b"a", more=True), body(b"b")).encode()
    outcome = deliver(b"GET " + target + b" HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + SMUGGLED, late=True)
    response = outcome.response()
    assert (response.framing, response.body, response.header("transfer-encoding")) == ("close", b"ab", [])
    assert_ended(outcome, response)


@CASES("name", [b"close", b"Close"])
def test_application_closes_the_connection(deliver: Delivery, name: bytes) -> None:
    target = script(read(), start(200, ("Connection", name), ("content-length", "2")), body(b"ok")).encode()
    outcome = deliver(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED, late=True)
    assert_ended(outcome, outcome.response())
    assert len(outcome.seen) == 1


def test_body_that_the_application_does_not_read(deliver: Delivery) -> None:
    target = script(answer(b"early")).encode()
    outcome = deliver(b"POST " + target + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + LAST)
    first, _ = assert_answers(outcome, 200, 200)
    assert first.body == b"early"
    assert outcome.ending == "eof"
