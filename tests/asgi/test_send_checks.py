"""Which messages are refused, and in which words? Nothing of one is sent, and the answer is 500."""

from __future__ import annotations

from typing import Any

import pytest

from .apps import Message, Receive, Scope, Send, answer, head, part
from .conftest import Serve
from .serving import Serving, get

CASES = pytest.mark.parametrize
LENGTH_4 = [(b"content-length", b"4")]


def sending(*messages: Any) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def assert_refused(serving: Serving, error: str | tuple[str, ...]) -> None:
    """A 500 and nothing else, the connection closed, and this in the log, with the route."""
    with serving.connect() as client:
        response = client.ask(get("/route?query"))
        client.expect_eof()
    assert (response.status, response.body) == (500, b"Internal Server Error")
    (text,) = serving.errors()
    assert text.startswith("Exception in ASGI application (GET /route)\nTraceback")
    last = text.rpartition("\n")[2]
    # Of several, one's beginning: where the interpreter chooses the words, it does by what is compiled.
    assert last == error if isinstance(error, str) else last.startswith(error)


PAIR = "a response header must be a pair of bytes, not "
LENGTH = "invalid Content-Length in the response: "


@CASES(
    ("headers", "error"),
    [
        ([(b"x", "y")], "TypeError: a response header value must be bytes, not str"),
        ([("x", b"y")], "TypeError: a response header name must be bytes, not str"),
        ([(b"x", None)], "TypeError: a response header value must be bytes, not NoneType"),
        ([(b"x", 1)], "TypeError: a response header value must be bytes, not int"),
        ([b"x: y"], f"TypeError: {PAIR}b'x: y'"),
        ([(b"x", b"y", b"z")], f"TypeError: {PAIR}(b'x', b'y', b'z')"),
        ([()], f"TypeError: {PAIR}()"),
        (["xy"], f"TypeError: {PAIR}'xy'"),
        ({b"x": b"y"}, f"TypeError: {PAIR}b'x'"),
        (1, "TypeError: 'int' object is not iterable"),
        (None, "TypeError: 'NoneType' object is not iterable"),
        ([(b"content-length", b"x")], f"ValueError: {LENGTH}b'x'"),
        ([(b"content-length", b"-1")], f"ValueError: {LENGTH}b'-1'"),
        ([(b"content-length", b"")], f"ValueError: {LENGTH}b''"),
        ([(b"content-length", b"9" * 30)], f"ValueError: {LENGTH}{b'9' * 30!r}"),
        (
            [(b"content-length", b"1"), (b"content-length", b"2")],
            "ValueError: two different Content-Length fields in the response",
        ),
        (
            [(b"transfer-encoding", b"gzip")],
            "ValueError: the server frames the response: Transfer-Encoding b'gzip' cannot be sent",
        ),
    ],
)
def test_headers(serve: Serve, headers: Any, error: str) -> None:
    assert_refused(serve(sending(head(200, headers), part(b"ok"))), error)


@CASES(
    ("status", "error"),
    [
        ("200", ("TypeError: an integer is required", "TypeError: 'str' object cannot be")),
        (None, ("TypeError: an integer is required", "TypeError: 'NoneType' object cannot be")),
        *(
            (status, f"ValueError: a final status is from 200 to 999, not {status}")
            for status in (-200, 0, 100, 103, 199, 1000)
        ),
        (2**31, ("OverflowError: value too large to convert to int", "ValueError: a final status is")),
    ],
)
def test_status(serve: Serve, status: Any, error: str) -> None:
    assert_refused(serve(sending(head(status), part(b"ok"))), error)


EXPECTED = "RuntimeError: Expected ASGI message 'http.response.start', but got "
HINT = "http.response.early_hint"


@CASES(
    ("message", "error"),
    [
        (part(b"x"), f"{EXPECTED}'http.response.body'."),
        ({"type": "websocket.accept"}, f"{EXPECTED}'websocket.accept'."),
        ({"type": None}, f"{EXPECTED}None."),
        ({"type": "http.response.start"}, "KeyError: 'status'"),
        ({"status": 200}, "KeyError: 'type'"),
        ({}, "KeyError: 'type'"),
        (None, ("TypeError: 'NoneType' object is not ",)),
        (1, ("TypeError: 'int' object is not ",)),
        ({"type": HINT}, "KeyError: 'links'"),
        ({"type": HINT, "links": ["</a>"]}, "TypeError: a response header value must be bytes, not str"),
        (
            {"type": HINT, "links": [b"</a>\r\nx: y"]},
            "ValueError: invalid value of the response header b'link': b'</a>\\r\\nx: y'",
        ),
    ],
)
def test_first_message(serve: Serve, message: Any, error: str) -> None:
    assert_refused(serve(sending(message)), error)


@CASES("bad", [b"\r", b"\n", b"\r\nx: y", b"\0", b"\x0b", b"\x7f", b"\x1b"])
def test_row_28_control_characters_in_headers(serve: Serve, bad: bytes) -> None:
    fields: list[tuple[bytes, bytes]] = []
    serving = serve(sending(head(200, fields), part(b"ok")))
    for where in (b"a" + bad + b"b", bad + b"b", b"a" + bad):
        fields[:] = [(b"x", where)]
        assert_refused(serving, f"ValueError: invalid value of the response header b'x': {where!r}")
        fields[:] = [(where, b"x")]
        assert_refused(serving, f"ValueError: invalid response header name: {where!r}")


@CASES("name", [b"", b" ", b"a b", b"a:", b":a", b"a\xff", b"a(", b" a", b"a "])
def test_row_28_names_that_are_no_tokens(serve: Serve, name: bytes) -> None:
    serving = serve(sending(head(200, [(name, b"x")]), part(b"ok")))
    assert_refused(serving, f"ValueError: invalid response header name: {name!r}")


@CASES("field", [b"connection", b"content-length", b"transfer-encoding", b"date", b"server"])
def test_row_28_in_fields_that_the_server_reads(serve: Serve, field: bytes) -> None:
    serving = serve(sending(head(200, [(field, b"close\r\nx: y")]), part(b"ok")))
    assert serving.ask().header("x") == []
    assert "ValueError: invalid value of the response header" in "".join(serving.errors())


@CASES(
    ("message", "error"),
    [
        (part("str"), "TypeError: a response body must be bytes, not str"),
        (part(None), "TypeError: a response body must be bytes, not NoneType"),
        (part([b"x"]), "TypeError: a response body must be bytes, not list"),
        (head(), "RuntimeError: Expected ASGI message 'http.response.body', but got 'http.response.start'."),
        (
            {"type": "http.response.early_hint", "links": []},
            "RuntimeError: Expected ASGI message 'http.response.body', but got 'http.response.early_hint'.",
        ),
        (
            {"type": "http.response.zerocopysend", "file": 1},
            "RuntimeError: Expected ASGI message 'http.response.body', but got 'http.response.zerocopysend'.",
        ),
    ],
)  # fmt: skip
def test_behind_the_head(serve: Serve, message: Any, error: str) -> None:
    assert_refused(serve(sending(head(), message)), error)


@CASES("message", [head(), part(b"x"), part(b"", more=True), {"type": "unknown"}])
def test_behind_the_end(serve: Serve, message: Message) -> None:
    """The answer is whole by then, and the connection serves the next request."""
    serving = serve(sending(head(), part(b"ok"), message))
    with serving.connect() as client:
        assert [client.ask(get()).body for _ in range(2)] == [b"ok"] * 2
    for text in serving.errors():
        kind = message["type"]
        assert text.endswith(f"Unexpected ASGI message {kind!r} sent, after response already completed.")


def test_a_refused_message_can_be_corrected(serve: Serve) -> None:
    """An application that catches the error goes on; nothing of what was refused is in the answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for refused in (
            head(200, [(b"x-refused", b"1"), (b"x", b"\n")]),
            head(404, [(b"content-length", b"99"), (b"connection", b"close"), (b"x", "y")]),
            head(99),
        ):
            with pytest.raises((ValueError, TypeError)):
                await send(refused)
        await send(head(201, [(b"x-taken", b"1")]))
        with pytest.raises(TypeError):
            await send(part("str", more=True))
        await send(part(b"body"))

    response = serve(app).ask()
    assert (response.status, response.body) == (201, b"body")
    assert (response.header("x-taken"), response.header("x-refused")) == ([b"1"], [])


def refused_then(first: Message, *rest: Message) -> Any:
    """Sends a head of four bytes, a body that does not fit, and then, the error caught, what fits."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/next":
            await answer(send, b"next")
            return
        await send(head(200, LENGTH_4))
        with pytest.raises(RuntimeError, match="Content-Length"):
            await send(first)
        for message in rest:
            await send(message)

    return app


@CASES(
    ("first", "rest"),
    [
        (part(b"12"), [part(b"1234")]),
        (part(b"12"), [part(b"12", more=True), part(b"34")]),
        (part(b"12345"), [part(b"1234")]),
        (part(b"12345", more=True), [part(b"1234", more=True), part()]),
        (part(), [part(b"1234")]),
    ],
)  # fmt: skip
def test_row_38_a_body_that_did_not_fit_is_not_counted(serve: Serve, first: Message, rest: Any) -> None:
    with serve(refused_then(first, *rest)).connect() as client:
        client.send(get() + get("/next"))
        assert [client.response().body for _ in range(2)] == [b"1234", b"next"]


@CASES(
    ("messages", "error"),
    [
        ([part(b"12")], "RuntimeError: the response body is 2 bytes shorter than its Content-Length"),
        ([part(b"12345")], "RuntimeError: the response body is longer than its Content-Length"),
        ([part()], "RuntimeError: the response body is 4 bytes shorter than its Content-Length"),
    ],
)
def test_row_38_a_body_of_another_length(serve: Serve, messages: list[Message], error: str) -> None:
    assert_refused(serve(sending(head(200, LENGTH_4), *messages)), error)


@CASES("messages", [[part(b"12", more=True), part(b"345")], [part(b"12", more=True), part(b"3")]])
def test_row_38_a_body_of_another_length_that_has_begun(serve: Serve, messages: list[Message]) -> None:
    serving = serve(sending(head(200, LENGTH_4), *messages))
    with serving.connect() as client:
        client.send(get() + get("/next"))
        assert client.read_to_end().endswith(b"\r\n\r\n12")
    (text,) = serving.errors()
    assert "Content-Length" in text


def test_a_length_said_twice(serve: Serve) -> None:
    with serve(sending(head(200, LENGTH_4 * 2), part(b"1234"))).connect() as client:
        assert [client.ask(get()).header("content-length") for _ in range(2)] == [[b"4"]] * 2
