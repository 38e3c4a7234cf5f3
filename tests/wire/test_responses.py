"""What stands on the wire when the application answers, rightly or wrongly?

Rows 28, 37 and 38 of the hostile cases: whatever the application sends, the client can tell where the answer
ends and whose it is. RFC 9110, 5.5, 6.4, 6.6.1 and 15; RFC 9112, 6.3.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

import pytest

from .client import Response
from .exchange import Delivery, Outcome
from .script import Header, Step, answer, body, fail, fill, message, read, script, start
from .servers import Server
from .verdict import LAST, SMUGGLED, assert_answers, assert_ended

CASES = pytest.mark.parametrize


def ask(steps: list[Step], method: str = "GET", version: str = "1.1", fields: bytes = b"") -> bytes:
    """The request that makes the application carry out these steps."""
    return f"{method} {script(read(), steps)} HTTP/{version}\r\nHost: a\r\n".encode() + fields + b"\r\n"


def assert_500(outcome: Outcome) -> Response:
    """One answer of status 500; the requests behind it are served or the connection ends."""
    responses = outcome.responses()
    assert responses[0].status == 500, f"{outcome.raw!r}"
    assert all(response.status == 200 for response in responses[1:])
    assert outcome.ending == "eof"
    return responses[0]


@CASES(
    "value",
    [
        b"a\r\nInjected: x",
        b"a\nInjected: x",
        b"a\rInjected: x",
        b"a\x00b",
        b"\r\n",
        b"a\r\n\r\nbody",
        b"\x00",
    ],
)
def test_row_28_value_that_would_inject(deliver: Delivery, value: bytes) -> None:
    outcome = deliver(ask([start(200, ("x", value)), body(b"ok")]) + LAST, late=True)
    response = assert_500(outcome)
    assert response.header("injected") == [] and b"njected" not in response.raw
    assert response.header("x") == []


@CASES("control", [0x01, 0x07, 0x0B, 0x0C, 0x1B, 0x7F], ids=hex)
def test_row_28_control_character_in_a_value(deliver: Delivery, control: int) -> None:
    assert_500(deliver(ask([start(200, ("x", b"a%cb" % control)), body(b"ok")]) + LAST, late=True))


@CASES(
    "name", [b"", b"a b", b"a:", b"a\r\nb", b"a\nInjected", b"a\x00", b"(a)", b"\xe9", b"a\t", b" a", b":a"]
)
def test_row_28_invalid_name(deliver: Delivery, name: bytes) -> None:
    outcome = deliver(ask([start(200, (name, b"x")), body(b"ok")]) + LAST, late=True)
    assert b"njected" not in assert_500(outcome).raw


@CASES(
    "fields",
    [[("x-a", "1"), ("x", "a\r\nb")], [("content-length", "2\r\nx: y")], [("connection", "close\nx: y")]],
)
def test_row_28_among_valid_fields(deliver: Delivery, fields: list[Header]) -> None:
    response = assert_500(deliver(ask([start(200, *fields), body(b"ok")]) + LAST, late=True))
    assert response.header("x") == response.header("x-a") == []


@CASES("framing", [[("content-length", "5")], []], ids=["length", "chunked"])
@CASES(
    "sends", [[body(b"hello")], [body(b"he", more=True), body(b"llo")], [body()]], ids=["one", "two", "none"]
)
def test_row_37_head(deliver: Delivery, framing: list[Header], sends: list[Step]) -> None:
    outcome = deliver(ask([start(200, *framing), *sends], "HEAD") + LAST)
    head, last = outcome.responses("HEAD", "GET")
    assert head.body == b""
    if framing:
        assert head.header("content-length") == [b"5"]
    assert last.json()["path"] == "/last"
    assert outcome.ending == "eof"


@CASES("status", [204, 304])
@CASES(
    "framing",
    [[("content-length", "5")], [("transfer-encoding", "chunked")], []],
    ids=["length", "chunked", "none"],
)
@CASES(
    "sends", [[body(b"hello")], [body(b"he", more=True), body(b"llo")], [body()]], ids=["one", "two", "none"]
)
def test_row_37_status_without_a_body(
    deliver: Delivery, status: int, framing: list[Header], sends: list[Step]
) -> None:
    outcome = deliver(ask([start(status, *framing), *sends]) + LAST)
    first, last = assert_answers(outcome, status, 200)
    assert first.body == b""
    assert last.json()["path"] == "/last"
    assert outcome.ending == "eof"


@CASES("status", [204, 304])
@CASES("sends", [[body(b"hello")], [body(b"he", more=True), body(b"llo")]], ids=["one", "two"])
def test_row_37_head_with_a_status_without_a_body(deliver: Delivery, status: int, sends: list[Step]) -> None:
    """The length that a GET's answer would have is nothing that either of them tells."""
    outcome = deliver(ask([start(status), *sends], "HEAD") + LAST)
    head, last = outcome.responses("HEAD", "GET")
    assert (head.status, head.body, head.header("content-length")) == (status, b"", [])
    assert last.json()["path"] == "/last"


@CASES(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_failure_behind_a_head_that_is_the_whole_answer(deliver: Delivery, method: str, status: int) -> None:
    """The client has it all: the connection ends, and is not reset."""
    outcome = deliver(ask([start(status), body(b"he", more=True), fail()], method) + SMUGGLED)
    assert outcome.response(method).status == status
    assert outcome.ending == "eof"


@CASES("method", ["GET", "HEAD"])
def test_whole_answer_before_one_that_breaks_off(server: Server, method: str) -> None:
    """It arrives, however slow the client is, though the server leaves the rest of its bytes unread."""
    size = 300_000
    broken = ask([start(200), body(b"begun", more=True), fail()], method)
    unread = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n" + bytes(50_000_000)
    with server.connect(receive_buffer_bytes=8192) as client:
        client.send_until_blocked(ask([start(200), fill(size, 1)]) + broken + unread)
        server.await_seen(lambda seen: seen.finished and not seen.marks)
        assert len(client.response().body) == size
        rest = client.read_to_end()
    assert rest.startswith(b"HTTP/1.1 200 OK") and rest.count(b"HTTP/1.1") == 1
    assert client.ending == "eof"


TOO_MUCH = {
    "in one": [start(200, ("content-length", "5")), body(b"hello world")],
    "in two": [start(200, ("content-length", "5")), body(b"hello", more=True), body(b" world")],
    "later": [
        start(200, ("content-length", "5")),
        body(b"hello", more=True),
        body(b"", more=True),
        body(b"x"),
    ],
    "any at all": [start(200, ("content-length", "0")), body(b"x")],
}
TOO_LITTLE = {
    "some": [start(200, ("content-length", "10")), body(b"hello")],
    "none": [start(200, ("content-length", "10")), body()],
    "in two": [start(200, ("content-length", "10")), body(b"he", more=True), body(b"llo")],
    "returned": [start(200, ("content-length", "10")), body(b"hello", more=True)],
}


@CASES("steps", TOO_MUCH.values(), ids=TOO_MUCH)
def test_row_38_more_than_its_content_length(deliver: Delivery, steps: list[Step]) -> None:
    outcome = deliver(ask(steps) + SMUGGLED, late=True)
    assert outcome.ending in ("eof", "reset")
    assert len(outcome.seen) == 1, "the connection was to close"
    response = outcome.response()
    if response.status != 500:
        assert b"hello".startswith(response.body)
    assert_logged(deliver, outcome)


@CASES("steps", TOO_LITTLE.values(), ids=TOO_LITTLE)
def test_row_38_less_than_its_content_length(deliver: Delivery, steps: list[Step]) -> None:
    outcome = deliver(ask(steps) + SMUGGLED, late=True)
    assert outcome.ending in ("eof", "reset")
    assert len(outcome.seen) == 1, "the connection was to close"
    if not outcome.raw.startswith(b"HTTP/1.1 500 "):
        head, _, rest = outcome.raw.partition(b"\r\n\r\n")
        assert b"content-length: 10" in head.lower()
        assert b"hello".startswith(rest)
    assert_logged(deliver, outcome)


WRONG = {
    "no answer": [],
    "body before start": [body(b"x")],
    "unknown message": [message({"type": "http.response.foo"})],
    "no type": [message({})],
    "fails before the head": [fail()],
    "length that is no number": [start(200, ("content-length", "x")), body(b"x")],
    "negative length": [start(200, ("content-length", "-1")), body(b"x")],
    "two lengths": [start(200, ("content-length", "1"), ("content-length", "2")), body(b"x")],
    "no status": [message({"type": "http.response.start", "headers": []})],
    "status out of range": [start(99), body(b"x")],
    "status of four digits": [start(1000), body(b"x")],
    "start and no more": [start(200)],
    "start twice": [start(200), start(200), body(b"x")],
    "fails behind the head": [start(200), fail()],
}


@CASES("steps", WRONG.values(), ids=WRONG)
def test_application_that_answers_wrongly_before_any_body(deliver: Delivery, steps: list[Step]) -> None:
    """Nothing is on the wire yet: the client gets a 500."""
    outcome = deliver(ask(steps) + LAST, late=True)
    assert_500(outcome)
    assert_logged(deliver, outcome)


BROKEN_OFF = {
    "fails": [start(200), body(b"hello", more=True), fail()],
    "returns": [start(200), body(b"hello", more=True)],
    "starts again": [start(200), body(b"hello", more=True), start(200)],
    "length, fails": [start(200, ("content-length", "10")), body(b"hello", more=True), fail()],
}


@CASES("steps", BROKEN_OFF.values(), ids=BROKEN_OFF)
@CASES("version", ["1.1", "1.0"])
def test_answer_that_breaks_off_never_looks_whole(server: Server, steps: list[Step], version: str) -> None:
    log_start = server.stderr_size()
    with server.connect() as client:
        client.send(ask(steps, version=version))
        data = client.read_to_end()
        head, _, rest = data.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 500 "):
            assert b"hello" not in rest
        elif b"content-length" in head.lower():
            assert b"hello".startswith(rest)
        elif b"chunked" in head.lower():
            assert b"0\r\n\r\n" not in rest
        else:
            assert client.ending == "reset", (
                "only a reset tells that a body ended by the connection is not whole"
            )
    server.seen()
    assert "ERROR" in server.stderr(log_start)


def test_message_behind_the_end_is_no_part_of_the_answer(deliver: Delivery) -> None:
    outcome = deliver(ask([*answer(b"ok"), body(b"more")]) + LAST, late=True)
    first, _ = assert_answers_whatever_the_log(outcome, 200, 200)
    assert first.body == b"ok"


def test_exception_behind_the_end_leaves_the_answer_whole(deliver: Delivery) -> None:
    outcome = deliver(ask([*answer(b"ok"), fail()]) + LAST, late=True)
    first, _ = assert_answers_whatever_the_log(outcome, 200, 200)
    assert first.body == b"ok"
    assert_logged(deliver, outcome)


def assert_answers_whatever_the_log(outcome: Outcome, *statuses: int) -> list[Response]:
    responses = outcome.responses()
    assert [response.status for response in responses] == list(statuses), f"{outcome.raw!r}"
    return responses


def assert_logged(deliver: Delivery, outcome: Outcome) -> None:
    """The operator reads of an error, and of which route. (In memory there is no log to read.)"""
    if deliver.name != "memory":
        assert "ERROR" in outcome.log, outcome.log
        assert "/script/" in outcome.log, outcome.log


def test_streamed_answer_is_chunked(deliver: Delivery) -> None:
    steps = [start(200), body(b"one", more=True), body(b"", more=True), body(b"two", more=True), body()]
    outcome = deliver(ask(steps) + LAST)
    first, _ = assert_answers(outcome, 200, 200)
    assert (first.framing, first.body) == ("chunked", b"onetwo")


def test_answer_in_one_message(deliver: Delivery) -> None:
    outcome = deliver(ask([start(200), body(b"hello")]) + LAST)
    first, _ = assert_answers(outcome, 200, 200)
    assert first.body == b"hello"


@CASES("size", [0, 1, 15, 16, 255, 65535, 65536, 1_000_000])
@CASES("framing", ["length", "chunked"])
def test_sizes(server: Server, size: int, framing: str) -> None:
    fields: list[Header] = [("content-length", str(2 * size))] if framing == "length" else []
    with server.connect() as client:
        response = client.ask(ask([start(200, *fields), fill(size, 2)]))
        assert (response.framing, len(response.body)) == (framing, 2 * size)
        assert client.ask(LAST).status == 200
        client.expect_eof()


def test_application_that_chunks_by_name(deliver: Delivery) -> None:
    """The application names the coding; the server applies it, once."""
    outcome = deliver(
        ask([start(200, ("transfer-encoding", "chunked")), body(b"a", more=True), body(b"b")]) + LAST
    )
    first, _ = assert_answers(outcome, 200, 200)
    assert (first.header("transfer-encoding"), first.body) == ([b"chunked"], b"ab")


def test_fields_of_the_application(deliver: Delivery) -> None:
    fields: list[Header] = [("Set-Cookie", "a=b"), ("X-A", "\xe9"), ("set-cookie", "c=d"), ("x-b", " y\t")]
    outcome = deliver(ask([start(201, *fields), body(b"ok")]) + LAST)
    first, _ = assert_answers(outcome, 201, 200)
    assert first.reason == b"Created"
    assert first.header("set-cookie") == [b"a=b", b"c=d"]
    assert first.header("x-a") == [b"\xe9"]
    assert first.header("x-b") == [b"y"]


@CASES(
    ("status", "reason"),
    [
        (200, b"OK"),
        (404, b"Not Found"),
        (418, None),
        (299, b""),
        (499, None),
        (599, b""),
        (503, b"Service Unavailable"),
    ],
)
def test_status_line(server: Server, status: int, reason: bytes | None) -> None:
    with server.connect() as client:
        response = client.ask(ask(answer(b"ok", status)))
        assert response.status == status
        assert reason is None or response.reason == reason


def test_date_and_server(server: Server) -> None:
    with server.connect() as client:
        response = client.ask(ask(answer()))
    (date,) = response.header("date")
    assert re.fullmatch(rb"\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT", date)
    assert abs((datetime.now(timezone.utc) - parsedate_to_datetime(date.decode())).total_seconds()) < 3
    assert response.header("server") == [b"fastserve"]


def test_date_and_server_of_the_application_stand_alone(server: Server) -> None:
    date = "Thu, 01 Jan 1970 00:00:00 GMT"
    with server.connect() as client:
        response = client.ask(ask([start(200, ("Date", date), ("Server", "mine")), body(b"ok")]))
    assert response.header("date") == [date.encode()]
    assert response.header("server") == [b"mine"]


def test_error_answers_are_well_formed(deliver: Delivery) -> None:
    response = deliver(b"GET / HTTP/1.1\r\n\r\n").response()
    assert response.status == 400
    assert response.framing == "length"
    assert len(response.header("date")) == len(response.header("server")) == 1


def test_refused_head_request_gets_no_body(deliver: Delivery) -> None:
    outcome = deliver(b"HEAD / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n" + LAST, late=True)
    responses = outcome.responses("HEAD", "GET")
    assert responses[0].status == 417
    assert_ended(outcome, responses[-1])
