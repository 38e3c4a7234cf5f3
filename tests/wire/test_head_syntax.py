"""What does this head say? Every head that could be read in two ways is refused.

Rows 7, 9, 10 and 17-21 of the hostile cases. RFC 9112, 2.2 (line ends), 3.2 (Host), 5 (field lines); RFC
9110, 5.5 (field values), 7.2 (Host).
"""

from __future__ import annotations

import pytest

from .exchange import Delivery
from .verdict import LAST, SMUGGLED, TE, G, P, assert_refused, assert_served

CASES = pytest.mark.parametrize


@CASES("space", [b" ", b"\t"])
@CASES(
    "head",
    [
        b"GET / HTTP/1.1\r\n%sHost: a\r\n",
        b"GET / HTTP/1.1\r\n%sX: y\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\n%s\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n%sX: y\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n%s\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX:\r\n%sContent-Length: 5\r\n",
    ],
)
def test_row_07_line_that_begins_with_white_space(deliver: Delivery, head: bytes, space: bytes) -> None:
    assert_refused(deliver(head % space + b"\r\n" + SMUGGLED))


@CASES(
    "line",
    [
        b"X: a\rContent-Length: 5\r\n",
        b"X: a\r\rY: b\r\n",
        b"X: \rY: b\r\n",
        b"X: a\r\r\n",
        b"X:\r\r\n",
        b"X: a\r \r\n",
        b"X\rY: b\r\n",
        b"\rX: b\r\n",
    ],
)
def test_row_09_bare_cr(deliver: Delivery, line: bytes) -> None:
    assert_refused(deliver(G + line + b"\r\n" + SMUGGLED))


@CASES(
    "message",
    [b"GET / HTTP/1.1\rHost: a\r\n\r\n", b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", G + b"\r\r\n", G + b"\rX"],
)
def test_row_09_bare_cr_around_the_lines(deliver: Delivery, message: bytes) -> None:
    assert_refused(deliver(message + SMUGGLED), statuses=(400, 505))


@CASES(
    "message",
    [
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX:\nY: z\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        b"GET / HTTP/1.1\n\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \ny\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\nX: y\r\n\r\n",
        b"GET /\n HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_row_10_bare_lf_in_the_head(deliver: Delivery, message: bytes) -> None:
    assert_refused(deliver(message + SMUGGLED), statuses=(400, 505))


@CASES(
    "body",
    [
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r\n0\n\r\n",
        b"5\r\nhello\r\n0\r\n\n",
        b"5\r\nhello\r\n0\n\n",
        b"5\r\nhello\r\n0\r\nX: y\n\r\n",
        b"5\r\nhello\r\n0\r\nX: y\r\n\n",
        b"5;a\nhello\r\n0\r\n\r\n",
    ],
)
def test_row_10_bare_lf_in_chunk_framing(deliver: Delivery, body: bytes) -> None:
    assert_refused(deliver(P + TE + b"\r\n" + body + SMUGGLED), body_begun=True)


def test_empty_lines_before_a_request_are_ignored(deliver: Delivery) -> None:
    """RFC 9112, 2.2: a client may send one CRLF too many behind a request."""
    outcome = deliver(b"\r\n" + G + b"\r\n\r\n" + P + b"Content-Length: 5\r\n\r\nhello\r\n" + LAST)
    assert len(assert_served(outcome, "GET", "POST", "GET")) == 3


@CASES(
    "line",
    [
        b"Foo : x", b"Foo\t: x", b": x", b":", b"Fo\x00o: x", b"Fo\x01o: x", b"Fo\x1fo: x", b"Fo\x7fo: x",
        b"\x00: x", b"Fo o: x", b"Fo\to: x", b"Foo", b"F(o: x", b"F\xe9: x", b"F\x80: x", b'"Foo": x',
        b"Fo/o: x", b"[Foo]: x", b"Content-Length : 5", b"Transfer-Encoding : chunked", b"Fo@o: x",
        b"\x0bFoo: x",
    ],
)  # fmt: skip
def test_row_17_field_name(deliver: Delivery, line: bytes) -> None:
    assert_refused(deliver(G + line + b"\r\n\r\n" + SMUGGLED))


def test_every_character_of_a_field_name(deliver: Delivery) -> None:
    name = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    outcome = deliver(G + name + b": v\r\nConnection: close\r\n\r\n")
    assert_served(outcome)
    assert outcome.seen[0].header(name.decode().lower()) == ["v"]


CONTROLS = [0x00, 0x01, 0x07, 0x08, 0x0B, 0x0C, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F, 0x7F]


@CASES("control", CONTROLS, ids=hex)
@CASES("value", [b"a%sb", b"%sb", b"a%s"], ids=["inside", "first", "last"])
def test_row_18_control_character_in_a_value(deliver: Delivery, value: bytes, control: int) -> None:
    assert_refused(deliver(G + b"X: " + value % bytes([control]) + b"\r\n\r\n" + SMUGGLED))


@CASES("control", [0x00, 0x0B, 0x1C], ids=hex)
@CASES("name", [b"Host", b"Connection", b"Content-Length", b"Transfer-Encoding"])
def test_row_18_control_character_in_a_value_that_counts(
    deliver: Delivery, name: bytes, control: int
) -> None:
    value = {b"Host": b"a", b"Content-Length": b"5", b"Transfer-Encoding": b"chunked"}.get(name, b"close")
    lines = b"" if name == b"Host" else b"Host: a\r\n"
    message = b"POST / HTTP/1.1\r\n" + lines + name + b": " + value + bytes([control]) + b"\r\n\r\n"
    assert_refused(deliver(message + b"0\r\n\r\n" + SMUGGLED), statuses=(400, 501))


@CASES("byte", [0x80, 0x85, 0xA0, 0xFF], ids=hex)
@CASES("value", [b"a%sb", b"%sb", b"a%s", b"%s"], ids=["inside", "first", "last", "alone"])
def test_row_19_obs_text_in_a_value(deliver: Delivery, value: bytes, byte: int) -> None:
    sent = value % bytes([byte])
    outcome = deliver(G + b"X: " + sent + b"\r\nConnection: close\r\n\r\n")
    if outcome.response().status == 400:
        assert_refused(outcome)
        return
    assert_served(outcome)
    assert outcome.seen[0].headers == [["host", "a"], ["x", sent.decode("latin-1")], ["connection", "close"]]


@CASES("version", [b"1.1", b"1.0"])
@CASES("fields", [b"Host: a\r\nHost: a\r\n", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nX: y\r\nhost: b\r\n"])
def test_row_20_two_hosts(deliver: Delivery, fields: bytes, version: bytes) -> None:
    assert_refused(deliver(b"GET / HTTP/" + version + b"\r\n" + fields + b"\r\n" + SMUGGLED))


@CASES("target", [b"/", b"http://a/"])
@CASES("fields", [b"", b"X: y\r\n", b"Hosts: a\r\n"])
def test_row_20_no_host(deliver: Delivery, target: bytes, fields: bytes) -> None:
    assert_refused(deliver(b"GET " + target + b" HTTP/1.1\r\n" + fields + b"\r\n" + SMUGGLED))


@CASES(
    "host",
    [
        b"a/x?", b"a#", b"a@b", b"a b", b"a/b", b"a?b", b"a\\b", b"a\tb", b"a:x", b"a:80:80", b"[::1",
        b"::1]", b"[]", b"[::1]x", b"a:-1", b"<a>", b'"a"', b"\xe9", b"a^", b"a|b", b"{a}", b"http://a",
    ],
)  # fmt: skip
def test_row_21_host(deliver: Delivery, host: bytes) -> None:
    assert_refused(deliver(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n" + SMUGGLED))


@CASES(
    "host",
    [
        b"a",
        b"a:80",
        b"a:",
        b"[::1]",
        b"[::1]:8000",
        b"a.b-c_d~",
        b"xn--nxasmq6b.example",
        b"%61",
        b"",
        b"127.0.0.1",
    ],
)
def test_host_that_is_served(deliver: Delivery, host: bytes) -> None:
    outcome = deliver(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert_served(outcome)
    assert outcome.seen[0].header("host") == [host.decode()]


def test_white_space_around_a_value_is_no_part_of_it(deliver: Delivery) -> None:
    outcome = deliver(G + b"A:b\r\nB: \t b \t \r\nC:\r\nD: \t \r\nE: b \t c\r\nConnection: close\r\n\r\n")
    assert_served(outcome)
    fields = [["a", "b"], ["b", "b"], ["c", ""], ["d", ""], ["e", "b \t c"]]
    assert outcome.seen[0].headers == [["host", "a"], *fields, ["connection", "close"]]


def test_fields_keep_their_order_and_their_number(deliver: Delivery) -> None:
    outcome = deliver(
        G + b"X: 1\r\nY: 2\r\nx: 3\r\nCookie: a\r\nCookie: b\r\nX: 1\r\nConnection: close\r\n\r\n"
    )
    assert_served(outcome)
    fields = [["x", "1"], ["y", "2"], ["x", "3"], ["cookie", "a"], ["cookie", "b"], ["x", "1"]]
    assert outcome.seen[0].headers == [["host", "a"], *fields, ["connection", "close"]]
