"""How does an answer in parts reach its client, fast or slow, there or gone?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

import pytest
from asgi.serving import get, until

from .apps import PLAIN, Blocks, Door, Environ, StartResponse, returning
from .conftest import Serve


def test_a_block_goes_out_before_the_next_one_is_made(serve_threads: Serve) -> None:
    door = Door()

    def blocks() -> Iterator[bytes]:
        yield b"one"
        door.wait()
        yield b"two"

    with serve_threads(returning(blocks())).connect() as client:
        client.send(get())
        door.await_reached()
        until(lambda: client.receive() and b"one" in client.buffer, "the first block did not come")
        door.open()
        assert client.response().chunks == [b"one", b"two"]


def test_inline_a_block_goes_out_before_the_next_one_is_made(serve_inline: Serve) -> None:
    arrived = threading.Event()
    made: list[bool] = []

    def blocks() -> Iterator[bytes]:
        yield b"one"
        made.append(arrived.wait(5))
        yield b"two"

    with serve_inline(returning(blocks())).connect() as client:
        client.send(get())
        until(lambda: client.receive() and b"one" in client.buffer, "the first block did not come")
        arrived.set()
        assert client.response().chunks == [b"one", b"two"]
    assert made == [True]


def test_inline_others_are_served_between_two_blocks(serve_inline: Serve) -> None:
    done = threading.Event()

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN])
        if environ["PATH_INFO"] == "/end":
            done.set()
            return [b"ended"]
        return iter(lambda: b"" if done.is_set() else b"x", b"")

    serving = serve_inline(app)
    with serving.connect() as client:
        client.send(get("/endless"))
        client.receive()
        assert serving.ask(get("/end")).body == b"ended"
        assert set(client.response().body) == {ord("x")}


def test_the_last_block_of_a_known_length_ends_the_answer(serve_threads: Serve) -> None:
    """What the application does behind it, and in close(), keeps no client waiting."""
    door = Door()

    def blocks() -> Iterator[bytes]:
        yield b"hello"
        door.wait()

    app = returning(Blocks(blocks(), door.wait), headers=[("Content-Length", "5")])
    serving = serve_threads(app)
    with serving.connect() as client:
        assert client.ask(get()).body == b"hello"
        door.await_reached()
        door.open()
        door.await_reached()
        assert serving.in_flight == 1
        door.open()
    serving.await_idle()


def test_close_keeps_no_client_waiting(serve_threads: Serve) -> None:
    door = Door()
    with serve_threads(returning(Blocks([b"a", b"b"], door.wait))).connect() as client:
        assert client.ask(get()).body == b"ab"
        door.await_reached()
        door.open()


def test_pipelined_answers_are_in_order(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN])
        path = environ["PATH_INFO"].encode()
        if path.endswith(b"0"):
            time.sleep(0.02)
        return iter([path]) if path.endswith(b"1") else [path]

    with serve(app).connect() as client:
        client.send(b"".join(get(f"/{n}") for n in range(40)))
        assert [client.response().body for _ in range(40)] == [b"/%d" % n for n in range(40)]


@pytest.mark.parametrize("by", ["iteration", "write"])
def test_a_slow_client_stops_the_application(serve_threads: Serve, by: str) -> None:
    count = 400
    sent: list[int] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [*PLAIN])

        def blocks() -> Iterator[bytes]:
            for number in range(count):
                sent.append(number)
                yield b"x" * 100_000

        if by == "iteration":
            return blocks()
        for block in blocks():
            write(block)
        return []

    serving = serve_threads(app)
    with serving.connect(receive_buffer_bytes=10_000) as client:
        client.send(get())
        assert await_standstill(sent) < count, "the application was never stopped"
        assert len(client.response().body) == count * 100_000
    assert serving.ask(get().replace(b"GET", b"HEAD"), "HEAD").status == 200


def test_inline_a_slow_client_stops_the_application(serve_inline: Serve) -> None:
    blocks = Blocks(b"x" * 100_000 for _ in range(400))
    with serve_inline(returning(blocks)).connect(receive_buffer_bytes=10_000) as client:
        client.send(get())
        until(lambda: blocks.taken, "it did not begin")
        taken = 0
        while taken < blocks.taken:
            taken = blocks.taken
            time.sleep(0.05)
        assert taken < 400
        assert len(client.response().body) == 400 * 100_000


def await_standstill(sent: list[int]) -> int:
    """How much the application has sent when it sends no more."""
    until(lambda: sent, "it did not begin")
    before = 0
    while before < len(sent):
        before = len(sent)
        time.sleep(0.05)
    return before


@pytest.mark.parametrize("reset", [True, False])
def test_a_client_that_goes_releases_the_application_at_once(serve: Serve, reset: bool) -> None:
    blocks = Blocks(iter(lambda: b"x" * 100_000, None))
    serving = serve(returning(blocks))
    client = serving.connect(receive_buffer_bytes=10_000)
    client.send(get())
    client.receive()
    client.reset() if reset else client.close()
    until(lambda: blocks.closes == 1, "it was not closed")
    serving.await_idle()
    assert serving.errors() == []


def test_a_client_that_goes_is_told_to_who_writes(serve_threads: Serve) -> None:
    errors: list[BaseException] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [*PLAIN])
        try:
            while True:
                write(b"x" * 100_000)
        except OSError as error:
            errors.append(error)
            raise

    serving = serve_threads(app)
    with serving.connect() as client:
        client.send(get())
        client.receive()
    until(lambda: errors, "write() did not raise")
    serving.await_idle()
    errors.clear()
    assert serving.errors() == []


def test_a_client_that_goes_while_its_request_waits(serve_threads: Serve) -> None:
    """Nobody is there to hear the answer: the application is not called."""
    door = Door()
    paths: list[str] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        paths.append(environ["PATH_INFO"])
        door.wait()
        start_response("200 OK", [*PLAIN])
        return [b"ok"]

    serving = serve_threads(app, wsgi_threads=1)
    with serving.connect() as first:
        first.send(get("/first"))
        door.await_reached()
        second = serving.connect()
        second.send(get("/second"))
        until(lambda: serving.in_flight == 2, "it did not come")
        second.reset()
        until(lambda: serving.in_loop(lambda: serving.server._endpoint.connections) == 1, "connected")
        door.open()
        assert first.response().body == b"ok"
    serving.await_idle()
    assert paths == ["/first"]


def test_a_half_closed_client_gets_its_answer(serve_threads: Serve) -> None:
    door = Door()

    def blocks() -> Iterator[bytes]:
        yield b"one"
        door.wait()
        yield b"two"

    with serve_threads(returning(blocks()), half_close_timeout_s=0.05).connect() as client:
        client.send(get())
        client.shutdown_write()
        door.await_reached()
        time.sleep(0.2)  # longer than the timeout, which is of no concern to who cannot ask
        door.open()
        assert client.response().body == b"onetwo"


def test_an_error_behind_the_end_leaves_the_answer_whole(serve: Serve) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"hello"
        raise RuntimeError("on purpose")

    serving = serve(returning(blocks(), headers=[("Content-Length", "5")]))
    with serving.connect() as client:
        assert client.ask(get()).body == b"hello"
        client.expect_eof()
    assert any("on purpose" in error for error in until(serving.errors, "no error was logged"))


def test_an_error_behind_the_first_block_breaks_the_answer_off(serve: Serve) -> None:
    arrived = threading.Event()

    def blocks() -> Iterator[bytes]:
        yield b"hello"
        arrived.wait(5)
        raise RuntimeError("on purpose")

    serving = serve(returning(blocks()))
    with serving.connect() as client:
        client.send(get())
        until(lambda: client.receive() and b"hello" in client.buffer, "the block did not come")
        arrived.set()
        data = client.read_to_end()
    assert b"chunked" in data and not data.endswith(b"0\r\n\r\n")
    (error,) = until(serving.errors, "no error was logged")
    assert "on purpose" in error
