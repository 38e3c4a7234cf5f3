"""What does this request line ask for?

Rows 22-25 of the hostile cases. RFC 9112, 3 (request line and the four forms of a target).
"""

from __future__ import annotations

import pytest

from .exchange import Delivery
from .verdict import LAST, SMUGGLED, G, assert_refused, assert_served

CASES = pytest.mark.parametrize


@CASES("method", [b"GET", b"POST", b"OPTIONS"])
@CASES(
    "target",
    [b"foo", b"", b"a:80", b"foo/bar", b"?x", b"#x", b"/a b", b"//\\ ", b"**", b"*/", b"mailto:a", b"1:2"],
)
def test_row_22_target(deliver: Delivery, method: bytes, target: bytes) -> None:
    outcome = deliver(method + b" " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED)
    assert_refused(outcome, statuses=(400, 505))


@CASES("method", [b"GET", b"POST", b"DELETE"])
def test_row_22_asterisk_for_another_method_than_options(deliver: Delivery, method: bytes) -> None:
    assert_refused(deliver(method + b" * HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED))


@CASES(
    "target",
    [b"http://", b"http:///x", b"http://a b/", b"http://u@a/", b"http://a:x/", b"http://[::1/", b"http:/a"],
)
def test_row_22_absolute_form_without_a_valid_authority(deliver: Delivery, target: bytes) -> None:
    assert_refused(
        deliver(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED), statuses=(400, 505)
    )


@CASES("byte", [0x00, 0x01, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1B, 0x7F], ids=hex)
@CASES("target", [b"/a%sb", b"/a?%sb", b"/%s"], ids=["path", "query", "last"])
def test_row_22_control_character_in_a_target(deliver: Delivery, target: bytes, byte: int) -> None:
    message = b"GET " + target % bytes([byte]) + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    assert_refused(deliver(message + SMUGGLED), statuses=(400, 505))


@CASES("target", [b"a:443", b"/", b"*", b"http://a/", b"a", b"a:443/x"])
def test_row_23_connect(deliver: Delivery, target: bytes) -> None:
    outcome = deliver(b"CONNECT " + target + b" HTTP/1.1\r\nHost: a:443\r\n\r\n" + SMUGGLED)
    assert_refused(outcome, statuses=(400, 403, 404, 405, 501))


@CASES(
    ("version", "statuses"),
    [
        (b"HTTP/3.0", [505]),
        (b"HTTP/0.9", [505]),
        (b"HTTP/2.0", [505]),
        (b"HTTP/1.2", [505]),
        (b"HTTP/9.9", [505]),
        (b"HTTP/1.10", [400, 505]),
        (b"HTTP/11.1", [400, 505]),
        (b"HTTP/1.", [400, 505]),
        (b"HTTP/1", [400, 505]),
        (b"HTTP/1.1 ", [400, 505]),
        (b"HTTP/1.1x", [400, 505]),
        (b"HTTP/ 1.1", [400, 505]),
        (b"HTTP/x.1", [400, 505]),
        (b"http/1.1", [400, 505]),
        (b"HTTQ/1.1", [400, 505]),
        (b"ICE/1.1", [400, 505]),
        (b"RTSP/1.0", [400, 505]),
        (b"", [400, 505]),
    ],
)
def test_row_24_version(deliver: Delivery, version: bytes, statuses: list[int]) -> None:
    assert_refused(deliver(b"GET / " + version + b"\r\nHost: a\r\n\r\n" + SMUGGLED), statuses)


def test_row_24_request_line_without_a_version(deliver: Delivery) -> None:
    assert_refused(deliver(b"GET /\r\n\r\n" + SMUGGLED), statuses=(400, 505))


def test_row_24_http2_preface(deliver: Delivery) -> None:
    assert_refused(deliver(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED), statuses=(400, 405, 501, 505))


@CASES(
    "method",
    [
        b"get#",
        b"GET#",
        b"G@T",
        b"(GET)",
        b"G\x00T",
        b"G\x7fT",
        b"\xe9",
        b" GET",
        b"\tGET",
        b"GET:",
        b"",
        b"G,T",
        b"{GET}",
    ],
)
def test_row_24_method_that_is_no_token(deliver: Delivery, method: bytes) -> None:
    assert_refused(deliver(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED), statuses=(400, 501))


@CASES("method", [b"FOO", b"GETS", b"get", b"X-Y"])
def test_row_24_unknown_method(deliver: Delivery, method: bytes) -> None:
    """Served or refused as a whole: the next request is never taken for a part of it."""
    outcome = deliver(method + b" / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + LAST)
    if outcome.responses()[0].status == 200:
        assert_served(outcome)
        assert [seen.method for seen in outcome.seen] == [method.decode(), "GET"]
    else:
        assert_refused(outcome, statuses=(400, 405, 501))


@CASES("space", [b"  ", b"\t", b" \t", b"\x0b"])
def test_more_than_one_space_in_the_request_line(deliver: Delivery, space: bytes) -> None:
    assert_refused(
        deliver(b"GET" + space + b"/ HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED), statuses=(400, 501, 505)
    )
    assert_refused(deliver(b"GET /" + space + b"HTTP/1.1\r\nHost: a\r\n\r\n" + SMUGGLED), statuses=(400, 505))


@CASES("path", [b"/" + b"a" * 69_999, b"/?" + b"a" * 69_998], ids=["path", "query"])
def test_row_25_long_target(deliver: Delivery, path: bytes) -> None:
    outcome = deliver(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    if outcome.response().status == 200:
        assert_served(outcome)
        seen = outcome.seen[0]
        assert (seen.raw_path + "?" + seen.query_string).rstrip("?") == path.decode()
    else:
        assert_refused(outcome, statuses=(414,))


@CASES("method", [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"PATCH"])
def test_methods(deliver: Delivery, method: bytes) -> None:
    outcome = deliver(method + b" /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert_served(outcome, method.decode())
    assert outcome.seen[0].method == method.decode()


@CASES(
    ("target", "path", "raw_path", "query"),
    [
        (b"/", "/", "/", ""),
        (b"/a/b?c=d&e", "/a/b", "/a/b", "c=d&e"),
        (b"/a%20b%2Fc", "/a b/c", "/a%20b%2Fc", ""),
        (b"/%c3%a9", "/\u00e9", "/%c3%a9", ""),
        (b"/a?b?c", "/a", "/a", "b?c"),
        (b"/?", "/", "/", ""),
        (b"//a/../b", "//a/../b", "//a/../b", ""),
        (b"/100%", "/100%", "/100%", ""),
        (b"/a?b=%20", "/a", "/a", "b=%20"),
        (b"/a;p=1,2", "/a;p=1,2", "/a;p=1,2", ""),
    ],
)
def test_origin_form(deliver: Delivery, target: bytes, path: str, raw_path: str, query: str) -> None:
    outcome = deliver(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert_served(outcome)
    seen = outcome.seen[0]
    assert (seen.path, seen.raw_path, seen.query_string) == (path, raw_path, query)


@CASES(
    ("target", "path", "query", "host"),
    [
        (b"http://b/x?y", "/x", "y", "b"),
        (b"http://b:81/", "/", "", "b:81"),
        (b"HTTP://b/x", "/x", "", "b"),
        (b"http://b", "/", "", "b"),
        (b"http://b?y", "/", "y", "b"),
        (b"http://[::1]:80/x", "/x", "", "[::1]:80"),
        (b"https://b/x", "/x", "", "b"),
    ],
)
def test_absolute_form_replaces_host(
    deliver: Delivery, target: bytes, path: str, query: str, host: str
) -> None:
    """RFC 9112, 3.2.2: the target's authority counts, and Host is ignored."""
    outcome = deliver(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert_served(outcome)
    seen = outcome.seen[0]
    assert (seen.path, seen.query_string, seen.header("host")) == (path, query, [host])


def test_asterisk_form(deliver: Delivery) -> None:
    outcome = deliver(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n" + G + b"Connection: close\r\n\r\n")
    assert_served(outcome)
    assert [seen.method for seen in outcome.seen] == ["OPTIONS", "GET"]
    assert outcome.seen[0].path in ("*", "/*")
