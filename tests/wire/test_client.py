"""Does the suite's client see what is wrong? A lenient client would let every server pass."""

from __future__ import annotations

import pytest

from .client import WireError, parse_response, parse_responses

OK = b"HTTP/1.1 200 OK\r\n"
CASES = pytest.mark.parametrize


@CASES(
    ("data", "body", "framing"),
    [
        (OK + b"Content-Length: 2\r\n\r\nok", b"ok", "length"),
        (OK + b"Content-Length: 0\r\n\r\n", b"", "length"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok", "chunked"),
        (OK + b"Connection: close\r\n\r\nok", b"ok", "close"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", "none"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", "none"),
        (b"HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n", b"", "length"),
    ],
)
def test_whole_response(data: bytes, body: bytes, framing: str) -> None:
    response = parse_response(data, eof=True)
    assert response is not None
    assert (response.body, response.framing, response.raw) == (body, framing, data)


@CASES(
    "data",
    [
        b"",
        b"HTTP/1.1 20",
        OK + b"Content-Length: 2\r\n",
        OK + b"Content-Length: 2\r\n\r\no",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
        OK + b"Connection: close\r\n\r\nok",
    ],
)
def test_response_that_is_not_complete_yet(data: bytes) -> None:
    assert parse_response(data) is None


@CASES(
    "data",
    [
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"http/1.1 200 OK\r\n\r\n",
        b"rubbish\r\n",
        b"\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length : 0\r\n\r\n",
        OK + b" X: y\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n",
        OK + b"X: a\nContent-Length: 0\r\n\r\n",
        OK + b"X: \x00\r\nContent-Length: 0\r\n\r\n",
        OK + b": y\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Content-Length: +1\r\n\r\nx",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nokXX0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
        OK + b"Date: now\r\nContent-Length: 0\r\n\r\n",
        OK + b"\r\nno length and no close",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_malformed_response(data: bytes) -> None:
    with pytest.raises(WireError):
        parse_response(data, eof=True)


def test_sequence_of_responses() -> None:
    answers = b"HTTP/1.1 100 Continue\r\n\r\n" + (OK + b"Content-Length: 2\r\n\r\n") * 2 + b"ok"
    assert [r.status for r in parse_responses(answers, ["HEAD", "GET"])] == [100, 200, 200]
    with pytest.raises(WireError):
        parse_responses(answers, ["HEAD"])  # which makes a body of what follows
    with pytest.raises(WireError, match="ended within a response"):
        parse_responses(answers[:-1], ["HEAD", "GET"])
