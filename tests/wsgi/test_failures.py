"""What if an application raises what nobody expects? A 500 or a cut answer, and others are served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from asgi.serving import Serving, a_log_filter_that_raises, get, until

from .apps import PLAIN, Environ, StartResponse, Wsgi
from .conftest import Serve

CASES = pytest.mark.parametrize
ERRORS = [
    OSError, RecursionError, MemoryError, StopIteration, GeneratorExit, SystemExit, KeyboardInterrupt,
    BaseException,
]  # fmt: skip
Kind = type[BaseException]


def well_or(failing: Wsgi) -> Wsgi:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/well":
            return failing(environ, start_response)
        start_response("200 OK", [*PLAIN])
        return [b"well"]

    return app


def assert_served(serving: Serving) -> None:
    """By every thread, as well as before."""
    for _ in range(5):
        assert serving.ask(get("/well")).body == b"well"


def the_error(serving: Serving) -> str:
    (text,) = until(serving.errors, "no error was logged")
    return str(text)


class Raising:
    """An answer in two blocks that raises at one of them, or when it is closed."""

    def __init__(self, kind: Kind, at: str) -> None:
        self.kind, self.at, self.closes = kind, at, 0

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN])
        return self

    def __iter__(self) -> Iterator[bytes]:
        return map(self.block, ["first", "second"])

    def block(self, name: str) -> bytes:
        if name == self.at:
            raise self.kind("told")
        return name.encode()

    def close(self) -> None:
        self.closes += 1
        if self.at == "close":
            raise self.kind("told")


@CASES("kind", ERRORS)
def test_when_it_is_called(serve: Serve, kind: Kind) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise kind("told")

    serving = serve(well_or(app))
    assert serving.ask(get("/route")).status == 500
    text = the_error(serving)
    assert text.startswith("Exception in WSGI application (GET /route)\nTraceback") and "told" in text
    assert_served(serving)


@CASES("kind", [kind for kind in ERRORS if kind is not StopIteration])  # which ends an answer
def test_at_its_first_block(serve: Serve, kind: Kind) -> None:
    app = Raising(kind, "first")
    serving = serve(well_or(app))
    assert serving.ask().status == 500
    assert "told" in the_error(serving)
    until(lambda: app.closes == 1, "it was not closed once")
    assert_served(serving)


@CASES("kind", [kind for kind in ERRORS if kind is not StopIteration])
def test_at_a_later_block(serve: Serve, kind: Kind) -> None:
    app = Raising(kind, "second")
    serving = serve(well_or(app))
    with serving.connect() as client:
        client.send(get() * 2)
        data = client.read_to_end()
    assert data.count(b"HTTP/1.1") == 1 and data.endswith(b"5\r\nfirst\r\n")
    assert "told" in the_error(serving)
    until(lambda: app.closes == 1, "it was not closed once")
    assert_served(serving)


@CASES("kind", ERRORS)
def test_in_close(serve: Serve, kind: Kind) -> None:
    serving = serve(well_or(Raising(kind, "close")))
    with serving.connect() as client:
        assert [client.ask(get()).body for _ in range(2)] == [b"firstsecond"] * 2
        assert client.ask(get("/well")).body == b"well"
    until(lambda: serving.in_flight == 0, "a request did not end")
    texts = serving.errors()
    assert len(texts) == 2 and all(text.startswith("Exception in close() of what") for text in texts)


def test_a_log_filter_that_raises(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    """The program's own: clients get their answers all the same, by every thread, and the server can stop."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        raise RuntimeError("of the application")

    serving = serve(well_or(app))
    with a_log_filter_that_raises():
        assert [serving.ask(get()).status for _ in range(5)] == [500] * 5
        assert_served(serving)
    until(lambda: serving.in_flight == 0, "a request did not end")
    assert capfd.readouterr().err.count("KeyError: 'of the filter'") == 5


def test_a_recursion_without_end(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return app(environ, start_response)

    serving = serve(well_or(app))
    assert serving.ask().status == 500
    assert the_error(serving).rpartition("\n")[2].startswith("RecursionError")
    assert_served(serving)


def test_a_huge_list_of_headers(serve: Serve) -> None:
    headers = [(f"X-{number}", "v" * 50) for number in range(2000)]

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return [b"ok"]

    with serve(app).connect() as client:
        for _ in range(2):
            response = client.ask(get())
            assert response.body == b"ok"
            assert response.header("x-0") == response.header("x-1999") == [b"v" * 50]
