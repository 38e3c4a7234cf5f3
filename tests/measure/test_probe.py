"""The probe accepts the right answer only, and counts its bytes on the wire."""

import socket
from collections.abc import Iterator

import pytest

from fastserve.measure.probe import Exchange, check
from fastserve.measure.spread import Void

OK = b"HTTP/1.1 200 OK\r\n"
SIZED = OK + b"content-length: 2\r\n\r\nhi"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\n\r\n"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connected pair: the probe's end, and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.settimeout(10)
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            yield client, server


def answered(ends: tuple[socket.socket, socket.socket], said: bytes, exchange: Exchange) -> int:
    """What the probe says when the server says `said` and closes."""
    client, server = ends
    server.sendall(said)
    server.shutdown(socket.SHUT_WR)
    return check(client, exchange)


@pytest.mark.parametrize("said", [SIZED, CHUNKED])
def test_the_right_answer_gives_its_length(ends: tuple[socket.socket, socket.socket], said: bytes) -> None:
    assert answered(ends, said, Exchange(answer=b"hi")) == len(said)


def test_pipelined_answers_are_read_one_by_one(ends: tuple[socket.socket, socket.socket]) -> None:
    assert answered(ends, SIZED * 3, Exchange(answer=b"hi", depth=3)) == len(SIZED)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (SIZED.replace(b"200 OK", b"500 No"), "the answer is b'HTTP/1.1 500 No'"),
        (SIZED.replace(b"hi", b"ha"), "wrong body"),
        (SIZED[:-1], "closed within an answer"),
        (CHUNKED.replace(b"1\r\ni", b"x\r\ni"), "size"),
        (OK + b"\r\n", "neither"),
        (b"", "closed within an answer"),
    ],
)
def test_a_wrong_answer_is_void(ends: tuple[socket.socket, socket.socket], said: bytes, reason: str) -> None:
    with pytest.raises(Void, match=reason):
        answered(ends, said, Exchange(answer=b"hi"))


def test_more_than_the_answers_is_void(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(Void, match="behind the answer"):
        answered(ends, SIZED + b"!", Exchange(answer=b"hi"))


def test_pipelined_answers_of_two_lengths_are_void(ends: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(Void, match="different lengths"):
        answered(ends, SIZED + CHUNKED, Exchange(answer=b"hi", depth=2))


def test_the_request_is_as_wrk_writes_it(ends: tuple[socket.socket, socket.socket]) -> None:
    client, server = ends
    exchange = Exchange(
        answer=b"hi", method="POST", path="/p", headers=(("Connection", "close"),), body=b"abc", closes=True
    )
    answered(ends, SIZED, exchange)
    host = "{}:{}".format(*client.getpeername())
    assert server.recv(4096).decode() == (
        f"POST /p HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
    )


def test_a_connection_that_must_close_and_does_not_is_void(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, server = ends
    monkeypatch.setattr("fastserve.measure.probe.CLOSE_TIMEOUT_S", 0.05)
    server.sendall(SIZED)
    with pytest.raises(Void, match="does not close"):
        check(client, Exchange(answer=b"hi", closes=True))
