"""Where does a request end? Every head or chunk that two servers could read differently is refused.

Rows 1-6, 8 and 11-16 of the hostile cases. RFC 9112, 6.1-6.3 (framing of a message) and 7.1 (chunks).
"""

from __future__ import annotations

import pytest

from .exchange import Delivery
from .verdict import LAST, SMUGGLED, TE, G, P, assert_refused, assert_served

CASES = pytest.mark.parametrize


@CASES(
    "fields",
    [
        b"Content-Length: 4\r\n" + TE,
        TE + b"Content-Length: 4\r\n",
        b"content-length: 0\r\ntransfer-encoding: CHUNKED\r\n",
        b"Transfer-Encoding: identity\r\nContent-Length: 4\r\n",
    ],
)
@CASES("method", [b"POST", b"GET"])
def test_row_01_content_length_with_chunked(deliver: Delivery, method: bytes, fields: bytes) -> None:
    head = method + b" / HTTP/1.1\r\nHost: a\r\n" + fields
    assert_refused(deliver(head + b"\r\n0\r\n\r\n" + SMUGGLED))


@CASES(
    "fields",
    [
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\nX: y\r\ncontent-length: 0\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: 5,\r\n",
    ],
)
def test_row_02_content_length_twice(deliver: Delivery, fields: bytes) -> None:
    assert_refused(deliver(P + fields + b"\r\nhello" + SMUGGLED))


@CASES(
    "value",
    [
        b"+10", b"-1", b"-0", b"0x5", b"9" * 30, b"0" * 29 + b"5", b"", b" \t ", b"1 0", b"5;", b"1_0",
        b"5.0", b'"5"', b"\xb2", b"18446744073709551616", b"18446744073709551621",
    ],
)  # fmt: skip
def test_row_03_content_length_not_a_number(deliver: Delivery, value: bytes) -> None:
    assert_refused(deliver(P + b"Content-Length: " + value + b"\r\n\r\nhello" + SMUGGLED))


@CASES(
    "value",
    [
        b"xchunked", b"chunked, identity", b"chunked, chunked", b"", b"identity", b"gzip, chunked",
        b"chunked;q=1", b'"chunked"', b"chunkedx", b"chunked,", b",chunked", b"chun ked", b"gzip",
    ],
)  # fmt: skip
@CASES("method", [b"POST", b"GET"])
def test_row_04_transfer_encoding_other_than_chunked(deliver: Delivery, method: bytes, value: bytes) -> None:
    head = method + b" / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + value + b"\r\n\r\n"
    assert_refused(deliver(head + b"0\r\n\r\n" + SMUGGLED), statuses=(400, 501))


@CASES("value", [b"chunked", b"Chunked", b"CHUNKED", b" \t chunked "])
def test_chunked_in_any_case(deliver: Delivery, value: bytes) -> None:
    outcome = deliver(P + b"Transfer-Encoding:" + value + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + LAST)
    assert_served(outcome, "POST", "GET")
    assert [seen.body for seen in outcome.seen] == ["hello", ""]


@CASES(
    "fields",
    [
        TE + TE,
        b"Transfer-Encoding: gzip\r\n" + TE,
        TE + b"Transfer-Encoding: identity\r\n",
        TE + b"X: y\r\nTransfer-Encoding:\r\n",
    ],
)
def test_row_05_transfer_encoding_twice(deliver: Delivery, fields: bytes) -> None:
    assert_refused(deliver(P + fields + b"\r\n0\r\n\r\n" + SMUGGLED), statuses=(400, 501))


@CASES(
    "fields",
    [
        b"Transfer-Encoding:\r\n chunked\r\n",
        b"Transfer-Encoding:\r\n\tchunked\r\n",
        b"Transfer-Encoding: chunked\r\n , identity\r\n",
        b"X: a\r\n b\r\nContent-Length: 5\r\n",
        b"X: a\r\n\tContent-Length: 0\r\nContent-Length: 5\r\n",
        b"X:\r\n \r\nContent-Length: 5\r\n",
        b"X: a\r\n \r\nContent-Length: 5\r\n",
    ],
)
def test_row_06_folded_line(deliver: Delivery, fields: bytes) -> None:
    assert_refused(deliver(P + fields + b"\r\n5\r\nhello\r\n0\r\n\r\n" + SMUGGLED))


@CASES("connection", [b"", b"Connection: keep-alive\r\n"])
@CASES("method", [b"POST", b"GET"])
def test_row_08_chunked_in_http_1_0(deliver: Delivery, method: bytes, connection: bytes) -> None:
    head = method + b" / HTTP/1.0\r\nHost: a\r\n" + connection + TE
    assert_refused(deliver(head + b"\r\n0\r\n\r\n" + SMUGGLED))


@CASES(
    "size",
    [
        b"+1", b"-1", b"0x1", b"1 ", b"1\t", b" 1", b"", b"g", b"1g", b"1_0", b"10000000000000000",
        b"00000000000000001", b"fffffffffffffffff", b"\xb2", b'"1"', b"1\x00", b"1,",
    ],
)  # fmt: skip
def test_row_11_chunk_size(deliver: Delivery, size: bytes) -> None:
    assert_refused(deliver(P + TE + b"\r\n" + size + b"\r\nA\r\n0\r\n\r\n" + SMUGGLED), body_begun=True)


@CASES("size", [b"+5", b"0x5", b"5 ", b"10000000000000005", b"00000000000000005"])
def test_row_11_size_of_a_later_chunk(deliver: Delivery, size: bytes) -> None:
    body = b"5\r\nhello\r\n" + size + b"\r\nhello\r\n0\r\n\r\n"
    assert_refused(deliver(P + TE + b"\r\n" + body + SMUGGLED), body_begun=True)


@CASES("size", [b"5", b"0005", b"0000000000000005"])
def test_chunk_size_with_leading_zeros(deliver: Delivery, size: bytes) -> None:
    outcome = deliver(P + TE + b"\r\n" + size + b"\r\nhello\r\n0\r\n\r\n" + LAST)
    assert_served(outcome, "POST", "GET")
    assert outcome.seen[0].body == "hello"


@CASES(
    "body",
    [
        b"1\r\nAXX0\r\n\r\n",
        b"1\r\nA0\r\n\r\n",
        b"1\r\nA\n0\r\n\r\n",
        b"1\r\nA\r0\r\n\r\n",
        b"1\r\nA\r\r\n0\r\n\r\n",
        b"1\r\nAB\r\n0\r\n\r\n",
        b"5\r\nhello\r\n1\r\nA\rX0\r\n\r\n",
    ],
)
def test_row_12_chunk_data_without_its_end(deliver: Delivery, body: bytes) -> None:
    assert_refused(deliver(P + TE + b"\r\n" + body + SMUGGLED), body_begun=True)


@CASES(
    "line",
    [
        b"1;a\nb\r\n", b"1;a\rb\r\n", b'1;a="\n"\r\n', b'1;a="\r"\r\n', b'1;a="x\r\n', b"1;a=\n\r\n",
        b"1;a=b\rc\r\n", b"1;a=b\nc\r\n", b"1;\r\r\n", b"1;\n", b"1;a=b\n",
    ],
)  # fmt: skip
def test_row_13_line_end_in_a_chunk_extension(deliver: Delivery, line: bytes) -> None:
    assert_refused(deliver(P + TE + b"\r\n" + line + b"A\r\n0\r\n\r\n" + SMUGGLED), body_begun=True)


@CASES("extension", [b";a", b";a=b", b';a="b c"', b";a=b;c", b';a="\\""'])
def test_chunk_extension_is_ignored(deliver: Delivery, extension: bytes) -> None:
    body = b"5" + extension + b"\r\nhello\r\n0" + extension + b"\r\n\r\n"
    outcome = deliver(P + TE + b"\r\n" + body + LAST)
    assert_served(outcome, "POST", "GET")
    assert outcome.seen[0].body == "hello"


@CASES(
    "message",
    [
        P + TE + b"\r\n5\r\nhello\r\n0\r\n",
        P + TE + b"\r\n0\r\n",
        P + TE + b"\r\n0\r\n\r",
        P + TE + b"\r\n0",
        P + TE + b"\r\n0\r\nX: y\r\n",
        P + TE + b"\r\n",
        P + b"Content-Length: 5\r\n\r\nhell",
        P + b"Content-Length: 5\r\n\r\n",
    ],
)
def test_row_14_end_within_a_body(deliver: Delivery, message: bytes) -> None:
    outcome = deliver(message, half_close=True)
    assert outcome.ending == "eof"
    assert len(outcome.seen) == 1
    assert outcome.seen[0].disconnected and not outcome.seen[0].complete
    for response in outcome.responses():
        assert response.status in (400, 408) and response.closes
    assert "Traceback" not in outcome.log


@CASES("message", [b"", b"G", b"GET / HT", G, G + b"\r", P + TE, b"\r\n"])
def test_end_within_a_head(deliver: Delivery, message: bytes) -> None:
    outcome = deliver(message, half_close=True)
    assert outcome.ending == "eof"
    assert outcome.seen == []
    for response in outcome.responses():
        assert response.status in (400, 408) and response.closes
    assert "Traceback" not in outcome.log


@CASES(
    "trailer",
    [
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Host: b\r\n",
        b"host: b\r\n",
        b"X: y\r\nCONTENT-LENGTH: 0\r\n",
        b"Host:\r\n",
    ],
)
def test_row_15_forbidden_trailer(deliver: Delivery, trailer: bytes) -> None:
    body = b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n"
    assert_refused(deliver(P + TE + b"\r\n" + body + SMUGGLED), body_begun=True)


@CASES(
    "trailer",
    [
        b"X\x00: y\r\n", b"X : y\r\n", b" X: y\r\n", b"X: y\r\n z\r\n", b"X: a\rb\r\n", b"X: a\nY: b\r\n",
        b": y\r\n", b"X: \x00\r\n", b"X\r\n", b"X: \x07\r\n", b"X: \x7f\r\n",
    ],
)  # fmt: skip
def test_row_15_malformed_trailer(deliver: Delivery, trailer: bytes) -> None:
    body = b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n"
    assert_refused(deliver(P + TE + b"\r\n" + body + SMUGGLED), body_begun=True)


def test_row_15_trailers_never_merge_into_the_headers(deliver: Delivery) -> None:
    trailer = b"Authorization: Basic x\r\nX-Forwarded-For: 1.2.3.4\r\nCookie: a=b\r\nX: y\r\n"
    outcome = deliver(P + TE + b"X: 1\r\n\r\n5\r\nhello\r\n0\r\n" + trailer + b"\r\n" + LAST)
    assert_served(outcome, "POST", "GET")
    assert outcome.seen[0].headers == [["host", "a"], ["transfer-encoding", "chunked"], ["x", "1"]]
    assert outcome.seen[1].headers == [["host", "a"], ["connection", "close"]]


@CASES(
    "body",
    [
        b"5;" + b"a" * 5000,
        b"5;a=" + b"b" * 5000,
        b'5;a="' + b"b" * 5000,
        b"5" + b";a" * 2500,
        b"5\r\nhello\r\n0;" + b"a" * 5000,
        b"5\r\nhello\r\n5;" + b"a" * 5000,
        b"0" * 5000,
    ],
)
def test_row_16_endless_chunk_line(deliver: Delivery, body: bytes) -> None:
    assert_refused(
        deliver(P + TE + b"\r\n" + body, profile="limits"), statuses=(400, 413, 431), body_begun=True
    )


@CASES(
    "trailer",
    [b"X: y\r\n" * 400, b"X: " + b"y" * 2000, b"X" * 2000, b"X:" + b" " * 2000],
    ids=["fields", "value", "name", "spaces"],
)
def test_row_16_endless_trailers(deliver: Delivery, trailer: bytes) -> None:
    outcome = deliver(P + TE + b"\r\n5\r\nhello\r\n0\r\n" + trailer, profile="limits")
    assert_refused(outcome, statuses=(400, 431), body_begun=True)
