"""How does an application read a request's body? (PEP 3333, "Input and Error Streams")"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from asgi.serving import request, until

from .apps import PLAIN, Blocks, Door, Environ, StartResponse, Wsgi, returning, valid
from .conftest import Serve

BODY = b"one\ntwo\n\nthree" + b"x" * 100 + b"\nend"


def reading(read: Callable[[Any], Any]) -> Wsgi:
    """An application that answers with what this makes of the body."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        told = repr(read(environ["wsgi.input"])).encode()
        start_response("200 OK", [*PLAIN])
        return [told]

    return app


def in_pieces(file: Any, size: int) -> list[bytes]:
    return [*iter(lambda: file.read(size), b"")]


READS: dict[str, Callable[[Any], Any]] = {
    "all": lambda file: (file.read(), file.read(), file.read(5)),
    "None": lambda file: file.read(None),
    "-1": lambda file: file.read(-1),
    "0": lambda file: (file.read(0), file.read(4)),
    "more": lambda file: (file.read(10**6), file.read(1)),
    "pieces of 1": lambda file: in_pieces(file, 1),
    "pieces of 7": lambda file: in_pieces(file, 7),
    "lines": lambda file: [*file],
    "readline": lambda file: [file.readline() for _ in range(8)],
    "readline(2)": lambda file: [file.readline(2) for _ in range(8)],
    "readline(4)": lambda file: [file.readline(4) for _ in range(8)],
    "readline(None)": lambda file: file.readline(None),
    "readlines": lambda file: (file.readlines(), file.readlines()),
    "readlines(5)": lambda file: (file.readlines(5), file.read()),
    "mixed": lambda file: (file.readline(), file.read(2), file.readline(), next(file), file.read()),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_reads_are_those_of_a_file(serve: Serve, read: Callable[[Any], Any], framing: str) -> None:
    data = request("POST", "/", body=BODY)
    if framing == "chunked":
        pieces = [BODY[at : at + 5] for at in range(0, len(BODY), 5)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        data = request("POST", "/", "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n"
    assert serve(reading(read)).ask(data).body == repr(read(io.BytesIO(BODY))).encode()


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_no_body_reads_as_an_empty_file(serve: Serve, read: Callable[[Any], Any]) -> None:
    if read in (READS["mixed"],):
        pytest.skip("next() at the end raises")
    assert serve(reading(read)).ask().body == repr(read(io.BytesIO())).encode()


def test_the_validator_reads(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        file = environ["wsgi.input"]
        told = b"|".join([file.read(2), file.readline(), *file.readlines(1), *file])
        start_response("200 OK", [*PLAIN])
        return [told]

    assert serve(valid(app)).ask(request("POST", "/", body=b"abc\nd\ne\nf")).body == b"ab|c\n|d\n|e\n|f"


def test_the_application_reads_while_the_client_sends(serve_threads: Serve) -> None:
    door = Door()

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        first = environ["wsgi.input"].read(5)
        door.wait()
        start_response("200 OK", [*PLAIN])
        return [first + environ["wsgi.input"].read()]

    with serve_threads(app).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        door.await_reached()
        door.open()
        client.send(b"world")
        assert client.response().body == b"helloworld"


def test_an_answer_before_the_body_has_come(serve_threads: Serve) -> None:
    """Both ways at once: a block goes out for each line that comes in."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN])
        for line in environ["wsgi.input"]:
            yield line.upper()

    with serve_threads(app).connect() as client:
        client.send(request("POST", "/", "Transfer-Encoding: chunked"))
        for line in (b"one\n", b"two\n"):
            client.send(b"%x\r\n%s\r\n" % (len(line), line))
            until(lambda: client.receive() and line.upper() in client.buffer, "no block came back")  # noqa: B023
        client.send(b"0\r\n\r\n")
        assert client.response().chunks == [b"ONE\n", b"TWO\n"]


@pytest.mark.parametrize("reads", [True, False])
def test_row_36_continue_is_sent_to_who_reads(serve_threads: Serve, reads: bool) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        data = environ["wsgi.input"].read() if reads else b"no"
        start_response("200 OK", [*PLAIN])
        return [data]

    with serve_threads(app).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        if not reads:
            assert client.response().body == b"no"
            return
        assert client.response().status == 100
        client.send(b"hello")
        assert client.response().body == b"hello"


def test_continue_is_always_sent_where_bodies_are_gathered(serve_inline: Serve) -> None:
    with serve_inline(reading(lambda file: file.read())).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert client.response().status == 100
        client.send(b"hello")
        assert client.response().body == b"b'hello'"


def test_a_body_that_nobody_reads(serve: Serve) -> None:
    with serve(returning([b"ok"])).connect() as client:
        for size in (10, 200_000, 10):
            assert client.ask(request("POST", "/", body=b"x" * size)).body == b"ok"


def test_a_large_body_stops_while_nobody_reads(serve_threads: Serve) -> None:
    door = Door()

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        door.wait()
        total = sum(map(len, in_pieces(environ["wsgi.input"], 10_000)))
        start_response("200 OK", [*PLAIN])
        return [str(total).encode()]

    size = 20_000_000
    with serve_threads(app, read_buffer_bytes_max=50_000).connect() as client:
        head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()
        client.send(head)
        door.await_reached()
        sent = client.send_until_blocked(b"x" * size)
        assert sent < size, "the server read all of a body that nobody read"
        door.open()
        client.send(b"x" * (size - sent))
        assert client.response().body == str(size).encode()


@pytest.mark.parametrize("size", [1000, 5000])
def test_a_body_that_is_gathered_goes_to_a_file_if_it_is_large(serve_inline: Serve, size: int) -> None:
    kinds: list[str] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        kinds.append(type(environ["wsgi.input"]).__name__)
        data = environ["wsgi.input"].read()
        start_response("200 OK", [*PLAIN])
        return [data]

    body = bytes(range(250)) * (size // 250)
    assert (
        serve_inline(app, wsgi_body_memory_bytes_max=1000).ask(request("POST", "/", body=body)).body == body
    )
    assert kinds == ["BytesIO" if size <= 1000 else "BufferedRandom"]


# ---- clients that go ----


@pytest.mark.parametrize(
    "read", [lambda file: file.read(), lambda file: file.readline(), lambda file: [*file]]
)
@pytest.mark.parametrize("reset", [True, False])
def test_a_client_that_goes_is_told_of(serve_threads: Serve, read: Any, reset: bool) -> None:
    errors: list[BaseException] = []
    door = Door()

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.input"].read(1)
        door.wait()
        try:
            read(environ["wsgi.input"])
        except BaseException as error:
            errors.append(error)
            raise
        return []

    serving = serve_threads(app)
    client = serving.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
    door.await_reached()
    door.open()
    client.reset() if reset else client.close()
    until(lambda: errors, "the application did not hear of it")
    assert isinstance(errors.pop(), OSError)
    serving.await_idle()
    assert serving.errors() == []  # an application may let it pass


def test_a_client_that_goes_before_the_application_begins(serve_inline: Serve) -> None:
    called: list[bool] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        called.append(True)
        return []

    serving = serve_inline(app)
    with serving.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
    until(lambda: serving.in_loop(lambda: serving.server._endpoint.connections) == 0, "still connected")
    assert called == []


def test_a_body_that_is_too_large_ends(serve_threads: Serve) -> None:
    errors: list[BaseException] = []
    door = Door()

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        door.wait()
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            errors.append(error)
            raise
        return []

    with serve_threads(app, body_bytes_max=10).connect() as client:
        client.send(request("POST", "/", "Transfer-Encoding: chunked") + b"5\r\nhello\r\n")
        door.await_reached()
        door.open()
        client.send(b"6\r\nworld!\r\n")
        assert client.response().status == 413
    until(lambda: errors, "the application did not hear of it")
    errors.clear()


def test_the_rest_of_a_body_behind_the_answer(serve_threads: Serve) -> None:
    """Who reads on after the end of its answer is not left waiting."""
    errors: list[BaseException] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN, ("Content-Length", "2")])
        return Blocks([b"ok"], lambda: read(environ["wsgi.input"]))

    def read(file: Any) -> None:
        try:
            file.read()
        except OSError as error:
            errors.append(error)

    with serve_threads(app).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        assert client.response().body == b"ok"
        until(lambda: errors, "it waits")
    errors.clear()
