"""What may an application say, and what comes of it on the wire? (PEP 3333)"""

from __future__ import annotations

import io
import sys
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from asgi.serving import get, request, until

from .apps import PLAIN, Blocks, Environ, StartResponse, Wsgi, returning, valid
from .conftest import Serve

HEAD = get().replace(b"GET", b"HEAD")


def failing(serve: Serve, app: Wsgi, says: str, data: bytes = b"") -> None:
    """The answer is 500, and the log tells what the application did, and where."""
    serving = serve(app)
    response = serving.ask(data or get("/route"))
    assert (response.status, response.body) == (500, b"Internal Server Error")
    (error,) = until(serving.errors, "no error was logged")
    assert error.startswith("Exception in WSGI application (") and says in error


@pytest.mark.parametrize(
    "blocks", [[b"hello"], (b"hello",), [b"hel", b"lo"], [b"", b"hello", b""]], ids=["1", "tuple", "2", "3"]
)
def test_a_list_has_a_length(serve: Serve, blocks: Iterable[bytes]) -> None:
    response = serve(returning(blocks)).ask()
    assert (response.framing, response.body) == ("length", b"hello")


def test_nothing_is_a_body_of_no_length(serve: Serve) -> None:
    response = serve(returning([])).ask()
    assert (response.framing, response.header("content-length"), response.body) == ("length", [b"0"], b"")


def test_an_iterable_of_one_block_has_a_length(serve: Serve) -> None:
    class One:
        def __len__(self) -> int:
            return 1

        def __iter__(self) -> Any:
            return iter([b"hello"])

    response = serve(returning(One())).ask()
    assert (response.framing, response.body) == ("length", b"hello")


def test_a_generator_is_chunked(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN])  # when its first block is asked for, and no earlier
        yield b"hel"
        yield b""
        yield b"lo"

    response = serve(valid(app)).ask()
    assert (response.framing, response.chunks) == ("chunked", [b"hel", b"lo"])


def test_a_generator_with_a_content_length(serve: Serve) -> None:
    headers = [*PLAIN, ("Content-Length", "5")]
    response = serve(valid(lambda e, s: returning(iter([b"hel", b"lo"]), headers=headers)(e, s))).ask()
    assert (response.framing, response.body) == ("length", b"hello")


def test_the_same_fields_again_and_again(serve: Serve) -> None:
    """With this status and that, in this order and that, with one more and one less."""
    first, second, third = ("X-First", "1"), ("X-Second", "2"), ("Content-Length", "2")
    said = {
        "/a": ("200 OK", [first, second]),
        "/b": ("404 Not Found", [first, second]),
        "/c": ("200 OK", [first, third]),
        "/d": ("200 OK", [first]),
        "/e": ("200 OK", [second, first]),
        "/f": ("200 OK", []),
    }

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        status, fields = said[environ["PATH_INFO"]]
        start_response(status, [*fields])
        return [b"ok"]

    with serve(app).connect() as client:
        for path in [*said] * 3:
            status, fields = said[path]
            response = client.ask(get(path))
            found = [(name, value) for name, value in response.headers if name.startswith(b"x-")]
            assert (response.status, response.body) == (int(status[:3]), b"ok")
            assert found == [(n.lower().encode(), v.encode()) for n, v in fields if n != "Content-Length"]
            assert response.header("content-length") == [b"2"]


def test_what_an_answer_says_is_forgotten_with_it(serve: Serve) -> None:
    class Text(str):
        __slots__ = ("__weakref__",)

    secrets: list[weakref.ref[Text]] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        secret = Text("s")
        secrets.append(weakref.ref(secret))
        start_response("200 OK", [("Set-Cookie", secret), *PLAIN])
        return [b"ok"]

    serving = serve(app)
    assert [serving.ask().header("set-cookie") for _ in range(2)] == [[b"s"]] * 2
    serving.await_idle()
    until(lambda: not any(secret() for secret in secrets), "a value is still held")


@pytest.mark.parametrize("size", [1, 16, 65535, 65536, 1_000_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_sizes(serve: Serve, size: int, framing: str) -> None:
    headers = [*PLAIN, ("Content-Length", str(3 * size))] if framing == "length" else PLAIN
    with serve(lambda e, s: returning(iter([b"x" * size] * 3), headers=headers)(e, s)).connect() as client:
        for _ in range(2):
            response = client.ask(get())
            assert (response.framing, len(response.body)) == (framing, 3 * size)


def test_http_1_0_gets_no_chunks(serve: Serve) -> None:
    response = serve(lambda e, s: returning(iter([b"hel", b"lo"]))(e, s)).ask(b"GET / HTTP/1.0\r\n\r\n")
    assert (response.framing, response.body) == ("close", b"hello")


def test_fields_stand_as_they_were_given(serve: Serve) -> None:
    headers = [("Set-Cookie", "a=b"), ("X-A", "\xe9"), ("set-cookie", "c=d"), *PLAIN]
    response = serve(returning([b"x"], "201 Created", headers)).ask()
    assert response.headers[:4] == [
        (b"set-cookie", b"a=b"), (b"x-a", b"\xe9"), (b"set-cookie", b"c=d"), (b"content-type", b"text/plain"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("200 Fine", b"HTTP/1.1 200 Fine"),
        ("404 NOT FOUND", b"HTTP/1.1 404 NOT FOUND"),
        ("404 Not Found", b"HTTP/1.1 404 Not Found"),
        ("299 Own", b"HTTP/1.1 299 Own"),
        ("200 \xe9t\xe9\t!", b"HTTP/1.1 200 \xe9t\xe9\t!"),
        ("201 ", b"HTTP/1.1 201 Created"),
        ("201", b"HTTP/1.1 201 Created"),
    ],
)
def test_the_reason_phrase_is_the_applications(serve: Serve, status: str, line: bytes) -> None:
    response = serve(lambda e, s: returning([b"x"], status)(e, s)).ask()
    assert response.raw.partition(b"\r\n")[0] == line


@pytest.mark.parametrize("phrase", ["OK\r\nInjected: x", "OK\n", "O\x00K", "\x7f", "\u20ac"])
def test_row_28_a_reason_phrase_injects_nothing(serve: Serve, phrase: str) -> None:
    failing(serve, returning([b"x"], f"200 {phrase}"), "status")


def test_hop_by_hop_fields_are_left_out(serve: Serve) -> None:
    headers = [("Keep-Alive", "x"), ("Trailer", "y"), ("Upgrade", "z"), ("TE", "t"), ("X", "stays"), *PLAIN]
    response = serve(returning([b"x"], headers=headers)).ask()
    names = {name for name, _ in response.headers}
    assert names == {b"x", b"content-type", b"content-length", b"date", b"server"}


def test_the_write_callable(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        write = start_response("200 OK", [*PLAIN])
        write(b"one ")
        write(b"")
        write(b"two ")
        return [b"three"]

    assert serve(valid(app)).ask().body == b"one two three"


def test_write_and_no_more(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN, ("Content-Length", "3")])(b"one")
        return []

    assert serve(valid(app)).ask().body == b"one"


@pytest.mark.parametrize("blocks", [[b"hello"], iter([b"he", b"llo"])], ids=["list", "iterator"])
def test_head_has_the_fields_and_no_body(serve: Serve, blocks: Iterable[bytes]) -> None:
    serving = serve(returning(blocks))
    with serving.connect() as client:
        assert client.ask(HEAD, "HEAD").body == b""
        assert client.ask(get()).status == 200


def test_head_tells_the_length_of_one_block(serve: Serve) -> None:
    response = serve(returning([b"hello"])).ask(HEAD, "HEAD")
    assert response.header("content-length") == [b"5"]


def test_head_of_an_endless_answer(serve: Serve) -> None:
    blocks = Blocks(iter(lambda: b"x", None))
    assert serve(returning(blocks)).ask(HEAD, "HEAD").status == 200
    until(lambda: blocks.closes == 1, "it was not closed")
    assert blocks.taken == 1


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_statuses_without_a_body(serve: Serve, status: str) -> None:
    serving = serve(returning([b"hello"], status, []))
    with serving.connect() as client:
        assert client.ask(get()).body == b""
        assert client.ask(get()).body == b""


# ---- errors ----


def raising(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    raise RuntimeError("on purpose")


def raising_later(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [*PLAIN])
    if environ:
        raise RuntimeError("on purpose")
    yield b"never"


@pytest.mark.parametrize("app", [raising, raising_later])
def test_an_exception_before_the_first_block(serve: Serve, app: Wsgi) -> None:
    failing(serve, app, "on purpose")


def test_the_log_names_the_route_on_one_line(serve: Serve) -> None:
    failing(serve, raising, "(GET /a\\nb)", get("/a%0Ab"))


def test_no_start_response(serve: Serve) -> None:
    failing(serve, lambda e, s: [b"x"], "before it called start_response()")


def test_no_start_response_before_the_first_block(serve: Serve) -> None:
    failing(serve, lambda e, s: iter([b"x"]), "before it called start_response()")


def test_an_empty_block_may_come_before_start_response(serve: Serve) -> None:
    """As of a middleware that has nothing to say yet (PEP 3333, "Handling of Block Boundaries")."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        yield b""
        start_response("200 OK", [*PLAIN])
        yield b"hello"

    assert serve(app).ask().body == b"hello"


@pytest.mark.parametrize("blocks", ["text", ["text"], [b"a", "b"], ["a", b"b"], [1]], ids=repr)
@pytest.mark.parametrize("kind", [lambda blocks: blocks, iter], ids=["", "iterator"])
def test_blocks_that_are_no_bytes(serve: Serve, blocks: Any, kind: Any) -> None:
    if blocks == [b"a", "b"] and kind is iter:
        return  # its first block is on its way
    app: Wsgi = lambda e, s: returning(kind(blocks))(e, s)  # noqa: E731
    failing(serve, app, "a WSGI application returns blocks of bytes")


def test_a_result_that_is_no_iterable(serve: Serve) -> None:
    failing(serve, returning(None), "'NoneType' object is not iterable")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "status", [200, "OK", "20 OK", "200OK", "100 Continue", "099 X", "1000 X", b"200 OK", ""], ids=repr
)
def test_a_status_that_is_none(serve: Serve, status: Any) -> None:
    failing(serve, returning([b"x"], status), "status")


@pytest.mark.parametrize(
    "header",
    [
        ("X", 1),
        (1, "x"),
        ("X", b"y"),
        "X: y",
        ("X",),
        ("X", "y", "z"),
        ("X", "\u20ac"),
        ("Content-Length", "x"),
    ],
    ids=repr,
)
def test_a_header_that_is_none(serve: Serve, header: Any) -> None:
    failing(serve, returning([b"x"], headers=[header]), "response")


@pytest.mark.parametrize("value", ["a\r\nInjected: x", "a\nInjected: x", "a\x00b", "\x1b"])
@pytest.mark.parametrize("caught", [True, False])
def test_row_28_the_application_hears_of_a_header_that_would_inject(
    serve: Serve, value: str, caught: bool
) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            start_response("200 OK", [*PLAIN, ("X", value)])
        except ValueError:
            if not caught:
                raise
            start_response("200 OK", [*PLAIN])
        return [b"ok"]

    serving = serve(app)
    response = serving.ask()
    assert response.status == (200 if caught else 500)
    assert b"njected" not in response.raw and response.header("x") == []
    assert len(serving.errors()) == (not caught)


def test_start_response_twice(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN])
        start_response("200 OK", [*PLAIN])
        return [b"x"]

    failing(serve, app, "start_response() was called before")


def test_exc_info_replaces_what_was_not_sent(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN, ("Content-Length", "100")])
        try:
            raise RuntimeError("on purpose")
        except RuntimeError:
            start_response("503 Busy", [*PLAIN], sys.exc_info())
        return [b"sorry"]

    response = serve(valid(app)).ask()
    assert (response.status, response.body) == (503, b"sorry")


def test_exc_info_is_raised_where_the_head_was_sent(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN])
        yield b"hello"
        try:
            raise RuntimeError("on purpose")
        except RuntimeError:
            start_response("500 Oh", [*PLAIN], sys.exc_info())
        yield b"never"

    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        data = client.read_to_end()
    assert b"never" not in data and b"0\r\n\r\n" not in data
    (error,) = serving.errors()
    assert 'raise RuntimeError("on purpose")' in error


TOO_MUCH: dict[str, list[bytes]] = {"one": [b"hello!"], "two": [b"hel", b"lo!"], "later": [b"hello", b"!"]}


@pytest.mark.parametrize("blocks", TOO_MUCH.values(), ids=TOO_MUCH)
@pytest.mark.parametrize("kind", [list, iter])
def test_row_38_more_than_its_content_length(serve: Serve, blocks: list[bytes], kind: Any) -> None:
    serving = serve(lambda e, s: returning(kind(blocks), headers=[("Content-Length", "5")])(e, s))
    with serving.connect() as client:
        client.send(get("/", "Connection: close"))
        data = client.read_to_end()
    if not data.startswith(b"HTTP/1.1 500 "):
        assert b"hello".startswith(data.partition(b"\r\n\r\n")[2])
    (error,) = until(serving.errors, "no error was logged")
    assert "longer than its Content-Length" in error


@pytest.mark.parametrize("blocks", [[], [b"hell"], [b"he", b"ll"]], ids=["none", "one", "two"])
@pytest.mark.parametrize("kind", [list, iter])
def test_row_38_less_than_its_content_length(serve: Serve, blocks: list[bytes], kind: Any) -> None:
    serving = serve(lambda e, s: returning(kind(blocks), headers=[("Content-Length", "5")])(e, s))
    with serving.connect() as client:
        client.send(get())
        data = client.read_to_end()
    if not data.startswith(b"HTTP/1.1 500 "):
        assert b"hell".startswith(data.partition(b"\r\n\r\n")[2])
    (error,) = until(serving.errors, "no error was logged")
    assert "shorter than its Content-Length" in error


# ---- close() ----


def test_close_is_called_once_behind_the_answer(serve: Serve) -> None:
    blocks = Blocks([b"he", b"llo"])
    assert serve(valid(returning(blocks))).ask().body == b"hello"
    until(lambda: blocks.closes == 1, "it was not closed")


def test_close_is_called_where_a_block_fails(serve: Serve) -> None:
    blocks = Blocks(iter([b"he", "llo"]))  # type: ignore[list-item]
    serving = serve(returning(blocks))
    with serving.connect() as client:
        client.send(get())
        client.read_to_end()
    until(lambda: blocks.closes == 1, "it was not closed")
    until(serving.errors, "no error was logged")


def test_close_is_called_where_start_response_was_not(serve: Serve) -> None:
    blocks = Blocks([b"x"])
    serving = serve(lambda e, s: blocks)
    assert serving.ask().status == 500
    until(lambda: blocks.closes == 1, "it was not closed")
    serving.errors()


def test_close_that_fails_is_logged_and_the_answer_stands(serve: Serve) -> None:
    def fail() -> None:
        raise RuntimeError("on purpose")

    serving = serve(returning(Blocks([b"hello"], fail), headers=[("Content-Length", "5")]))
    assert serving.ask().body == b"hello"
    (error,) = until(serving.errors, "no error was logged")
    assert error.startswith("Exception in close() of what a WSGI application returned (GET /)")


# ---- files ----


def sending(file: Any, headers: Any = PLAIN, seek: int = 0) -> Wsgi:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", list(headers))
        opened = file() if callable(file) else file.open("rb")
        opened.seek(seek)
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](opened, 1000)
        return wrapped

    return app


@pytest.mark.parametrize("seek", [0, 5, 10**6])
def test_a_file_has_a_length(serve: Serve, tmp_path: Path, seek: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 1000)
    response = serve(sending(path, seek=seek)).ask()
    assert (response.framing, response.body) == ("length", path.read_bytes()[seek:])


@pytest.mark.parametrize("length", [0, 4, 1000, 1500])
def test_a_file_is_sent_up_to_its_content_length(serve: Serve, tmp_path: Path, length: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 200)
    response = serve(sending(path, [("Content-Length", str(length))], seek=3)).ask()
    assert (response.framing, response.body) == ("length", path.read_bytes()[3 : length + 3])


def test_what_is_like_a_file(serve: Serve) -> None:
    closed: list[bool] = []

    class File(io.BytesIO):
        def close(self) -> None:
            closed.append(True)
            super().close()

    response = serve(valid(sending(lambda: File(b"x" * 2500)))).ask()
    assert (response.framing, response.body) == ("chunked", b"x" * 2500)
    until(lambda: closed, "it was not closed")


# ---- early hints ----


def test_early_hints(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload")])
        environ["wsgi.early_hints"]([("Link", "</b.css>; rel=preload")])
        start_response("200 OK", [*PLAIN])
        return [b"ok"]

    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        answers = [client.response() for _ in range(3)]
    assert [answer.status for answer in answers] == [103, 103, 200]
    assert answers[1].header("link") == [b"</b.css>; rel=preload"]


def test_early_hints_that_cannot_be_sent(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ["wsgi.early_hints"]([("Link", "a\r\nX: y")])
        return []

    failing(serve, app, "invalid value of ")


def test_early_hints_come_early(serve: Serve) -> None:
    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [*PLAIN])(b"x")
        with pytest.raises(RuntimeError, match="before the answer"):
            environ["wsgi.early_hints"]([("Link", "x")])
        return []

    assert serve(app).ask().body == b"x"


# ---- what is called after the end ----


def test_calls_behind_the_end(serve: Serve) -> None:
    kept: list[Any] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        kept[:] = [start_response, start_response("200 OK", [*PLAIN]), environ["wsgi.early_hints"]]
        return [b"ok"]

    serving = serve(app)
    assert serving.ask().body == b"ok"
    start_response, write, early_hints = kept
    for call, arguments in [(start_response, ("200 OK", [])), (write, (b"x",)), (early_hints, ([],))]:
        with pytest.raises((RuntimeError, OSError)):
            call(*arguments)
    assert serving.ask(request("POST", "/", body=b"x")).body == b"ok"
    kept.clear()
    del start_response, write, early_hints, call
