"""What becomes of a file that an application sends by its path? (ASGI, "Path Send" among the extensions)"""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from .apps import Receive, Scope, Send, answer, head, part
from .conftest import Serve
from .serving import get, request, until

CONTENT = hashlib.shake_256(b"a file").digest(300_007)
LARGE_BYTES = 16_000_000

LENGTH = [(b"content-length", str(len(CONTENT)).encode())]


@pytest.fixture(params=["cython", "h11"])
def serve(request: pytest.FixtureRequest, serve: Serve, loop: str) -> Serve:
    """With the option, and, over one of the loops, in plain Python as well."""
    if request.param == "h11":
        pytest.importorskip("h11")
        if loop != "asyncio":
            pytest.skip("once is enough")
    # A client that parses megabytes in this process holds the loop: nobody is to watch that.
    options = {"http": request.param, "pathsend": True, "blocked_loop_ms": 0}
    return lambda app, **more: serve(app, **{**options, **more})


def by_path(path: Path | str) -> dict[str, Any]:
    return {"type": "http.response.pathsend", "path": str(path)}


def sending(path: Path | str, headers: Any = (), status: int = 200, behind: Any = None) -> Any:
    """An application that sends this file, and something else at /other."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/other":
            await answer(send, b"other")
            return
        await send(head(status, headers))
        assert await send(by_path(path)) is None
        if behind is not None:
            await behind(receive, send)

    return app


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(LARGE_BYTES)
    return path


def test_it_is_told_of_only_if_the_user_wants_it(serve: Serve) -> None:
    """Middleware that knows nothing of it breaks answers, or compresses none any more."""
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["extensions"].get("http.response.pathsend"))
        await answer(send)

    serve(app, pathsend=False).ask()
    serve(app).ask()
    assert seen == [None, {}]


def test_it_is_refused_if_the_user_does_not_want_it(serve: Serve, path: Path) -> None:
    serving = serve(sending(path), pathsend=False)
    assert serving.ask().status == 500
    (error,) = until(serving.errors, "no error was logged")
    assert "Expected ASGI message 'http.response.body', but got 'http.response.pathsend'." in error


@pytest.mark.parametrize("headers", [(), LENGTH])
def test_one_file_behind_the_other(serve: Serve, path: Path, headers: Any) -> None:
    with serve(sending(path, headers)).connect() as client:
        client.send(get() + get("/other") + get())
        for expected in (CONTENT, b"other", CONTENT):
            response = client.response()
            assert (response.framing, response.body == expected) == ("length", True)


@pytest.mark.parametrize("size", [0, 5])
def test_a_small_file(serve: Serve, tmp_path: Path, size: int) -> None:
    (tmp_path / "small").write_bytes(b"small"[:size])
    with serve(sending(tmp_path / "small")).connect() as client:
        assert client.ask(get()).body == b"small"[:size]
        assert client.ask(get("/other")).body == b"other"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_an_answer_without_a_body(serve: Serve, path: Path, method: str, status: int) -> None:
    with serve(sending(path, status=status)).connect() as client:
        response = client.ask(request(method, "/"), method)
        length = LENGTH[0][1:] if method == "HEAD" else ()
        assert (response.status, response.header("content-length")) == (status, [*length])
        assert client.ask(get("/other")).body == b"other"


def test_a_file_longer_than_its_content_length(serve: Serve, path: Path) -> None:
    with serve(sending(path, [(b"content-length", b"100000")])).connect() as client:
        assert client.ask(get()).body == CONTENT[:100_000]
        assert client.ask(get("/other")).body == b"other"


def test_a_file_shorter_than_its_content_length(serve: Serve, path: Path) -> None:
    serving = serve(sending(path, [(b"content-length", b"300008")]))
    assert serving.ask().status == 500
    (error,) = until(serving.errors, "no error was logged")
    assert "the response body is 1 bytes shorter than its Content-Length" in error


@pytest.mark.parametrize("kind", ["missing", "directory", "fifo"])
def test_what_cannot_be_sent_is_raised(serve: Serve, tmp_path: Path, kind: str) -> None:
    """Before anything of the answer is out: the application may answer something else."""
    path = tmp_path / kind
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head(404))
        with pytest.raises(OSError, match="No such file" if kind == "missing" else "not a regular file"):
            await send(by_path(path))
        await send(part(b"there is none"))

    response = serve(app).ask()
    assert (response.status, response.body) == (404, b"there is none")


def test_an_exception_of_it_is_500(serve: Serve, tmp_path: Path) -> None:
    serving = serve(sending(tmp_path / "missing"))
    assert serving.ask().status == 500
    assert "FileNotFoundError" in until(serving.errors, "no error was logged")[0]


def test_it_is_the_whole_body(serve: Serve, path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with pytest.raises(RuntimeError, match=r"Expected ASGI message 'http\.response\.start'"):
            await send(by_path(path))
        await send(head())
        await send(part(b"x", more=True))
        with pytest.raises(RuntimeError, match="a file is the whole body of an answer"):
            await send(by_path(path))
        await send(part(b"y"))

    assert serve(app).ask().body == b"xy"


def test_nothing_is_sent_behind_it(serve: Serve, path: Path) -> None:
    async def behind(receive: Receive, send: Send) -> None:
        with pytest.raises(RuntimeError, match="after response already completed"):
            await send(part(b"more"))
        assert (await receive())["type"] == "http.disconnect"

    assert serve(sending(path, behind=behind)).ask().body == CONTENT


def test_nobody_hears_of_an_end_while_it_is_sent(serve: Serve, large: Path) -> None:
    """A listener that heard http.disconnect would cancel the answer, as older Starlettes do."""
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        listener = asyncio.ensure_future(receive())  # type: ignore[arg-type]
        listener.add_done_callback(lambda future: heard.append(future.result()["type"]))
        await send(head())
        await send(by_path(large))
        assert heard == []
        await listener

    with serve(app).connect() as client:
        client.send(get())
        assert len(client.response().body) == LARGE_BYTES
        until(lambda: heard == ["http.disconnect"], "nobody heard of the end")


def test_a_slow_client_keeps_nobody_waiting(serve: Serve, large: Path) -> None:
    serving = serve(sending(large))
    with serving.connect() as client:
        client.send(get())
        client.receive()
        assert serving.ask(get("/other")).body == b"other"
        assert len(client.response().body) == LARGE_BYTES


def test_a_client_that_goes_midway_is_told_to_the_application(serve: Serve, large: Path) -> None:
    raised: list[BaseException] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        try:
            await send(by_path(large))
        except OSError as error:
            raised.append(error)
            raise

    serving = serve(app)
    with serving.connect(receive_buffer_bytes=10_000) as client:
        client.send(get())
        client.receive()
        client.reset()
    until(lambda: raised, "it was not told")
    serving.await_idle()
    raised.clear()
    assert serving.errors() == []


def test_a_file_that_becomes_shorter_breaks_the_answer_off(serve: Serve, large: Path) -> None:
    serving = serve(sending(large))
    with serving.connect(receive_buffer_bytes=10_000) as client:
        client.send(get())
        client.receive()
        os.truncate(large, 0)
        assert len(client.read_to_end()) < LARGE_BYTES
    (error,) = until(serving.errors, "no error was logged")
    assert "the file has become shorter" in error


def test_a_task_that_is_cancelled_breaks_the_answer_off(serve: Serve, large: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        await asyncio.wait_for(send(by_path(large)), 0.05)

    serving = serve(app)
    with serving.connect(receive_buffer_bytes=10_000) as client:
        client.send(get())
        assert "TimeoutError" in until(serving.errors, "it was not cancelled")[0]
        assert len(client.read_to_end()) < LARGE_BYTES
