"""Do both parsers of the reference stop at the same byte, for every byte at every place of a message?"""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fastserve.reference.parser import Data, Parser
from fastserve.reference.rules import BadMessage

llhttp_parser = pytest.importorskip("fastserve.reference.llhttp_parser")
h11_parser = pytest.importorskip("fastserve.reference.h11_parser")

LIMITS = SimpleNamespace(
    request_line_bytes_max=64, header_bytes_max=96, header_count_max=4, chunk_extension_bytes_max=8
)
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

#: Where a byte follows that may be any. What is judged at the end of the head if h11 looks for that is not
#: here: the forms of a target, the value of Content-Length, the words of RTSP, which llhttp knows.
PLACES = [
    b"M-", b"G", b"GE", b"HEAD", b"GET / H", b"GET / HTTP",
    b"GET / HTTP/", b"GET / HTTP/1", b"GET / HTTP/1.1", b"GET / HTTP/1.1\r",
    b"GET / HTTP/1.1\r\n", HEAD, HEAD + b"X", HEAD + b"X:", HEAD + b"X: ", HEAD + b"X: a", HEAD + b"X: a\r",
    HEAD + b"X:\r", HEAD + b"X: a\r\n", HEAD + b"\r", HEAD + b"Connection: close", HEAD + b"X: " + b"y" * 60,
    CHUNKED, CHUNKED + b"0", CHUNKED + b"5", CHUNKED + b"0" * 16, CHUNKED + b"5\r", CHUNKED + b"5;",
    CHUNKED + b"5;a", CHUNKED + b"5;a=", CHUNKED + b"5;a=b", CHUNKED + b'5;a="', CHUNKED + b'5;a="b',
    CHUNKED + b'5;a="\\', CHUNKED + b'5;a="b"', CHUNKED + b"5;a;", CHUNKED + b"5;aaaaaaaa",
    CHUNKED + b"5\r\nhello", CHUNKED + b"5\r\nhello\r", CHUNKED + b"5\r\nhello\r\n",
    CHUNKED + b"0\r\n", CHUNKED + b"0\r\nX", CHUNKED + b"0\r\nX:", CHUNKED + b"0\r\nX: a\r",
    CHUNKED + b"0\r\nX: a\r\n", CHUNKED + b"0\r\nHost", CHUNKED + b"0\r\n\r",
]  # fmt: skip


def told(parser: Parser, pieces: list[bytes]) -> list[object]:
    """What a parser tells of these pieces: kinds of events, a body's bytes joined, a refusal's status."""
    found: list[object] = []
    for piece in pieces:
        parser.receive(piece)
        try:
            while (event := parser.next_event()) is not None:
                if isinstance(event, Data) and found and isinstance(found[-1], bytes):
                    found[-1] += event.data
                else:
                    found.append(event.data if isinstance(event, Data) else type(event).__name__)
        except BadMessage as refusal:
            return [*found, refusal.status]
    return found


def assert_told_alike(message: bytes) -> None:
    first = told(llhttp_parser.LlhttpParser(LIMITS), [message])
    for make in (llhttp_parser.LlhttpParser, h11_parser.H11Parser):
        for pieces in ([message], [message[i : i + 1] for i in range(len(message))]):
            assert told(make(LIMITS), pieces) == first, (message, make.__name__, len(pieces))


@pytest.mark.parametrize("place", PLACES)
def test_any_byte_behind(place: bytes) -> None:
    for byte in range(256):
        assert_told_alike(place + bytes([byte]))


@pytest.mark.parametrize(
    "message",
    [
        HEAD + b"\r\n" + HEAD + b"\r\n",
        b"\r\n" + HEAD + b"\r\n\r\n" + HEAD,
        CHUNKED + b"5;a=b\r\nhello\r\n5\r\nworld\r\n0\r\nX: y\r\n\r\n" + HEAD + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + HEAD + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel",
        HEAD + b"X: " + b"y" * 100,
        HEAD + b"X: y\r\n" * 9,
        b"GET /" + b"a" * 100,
        b"\r\n" * 40,
        CHUNKED + b"5\r\nhello\r\n0\r\n" + b"X: y\r\n" * 9,
        CHUNKED + b"5\r\nhello\r\n0\r\nX: " + b"y" * 100,
        CHUNKED + b"5;" + b"a" * 100,
        CHUNKED + b"0" * 100,
    ],
)
def test_messages(message: bytes) -> None:
    assert_told_alike(message)
