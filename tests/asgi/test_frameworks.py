"""Starlette and FastAPI, in the places where a server can break them."""

from __future__ import annotations

import asyncio
import contextvars
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import BackgroundTasks, Depends, FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from .conftest import Serve
from .serving import Gate, get, request, until

CASES = pytest.mark.parametrize
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


class Tagged(BaseHTTPMiddleware):
    """Runs the endpoint in a task of its own and pipes its answer: the classic that servers break."""

    async def dispatch(self, request: Request, call_next: Any) -> Any:
        found = VARIABLE.get()
        VARIABLE.set(request.url.path)
        response = await call_next(request)
        response.headers["x-found"] = found
        return response


def app_of(*routes: Any, middleware: int = 1) -> Any:
    return Starlette(routes=list(routes), middleware=[Middleware(Tagged)] * middleware)


@CASES("middleware", [0, 1, 3])
def test_streaming_with_a_background_task(serve: Serve, middleware: int) -> None:
    gate = Gate()
    done: list[str] = []

    async def work(name: str) -> None:
        await gate.wait()
        done.append(name)

    async def endpoint(request: Request) -> Any:
        async def lines() -> Any:
            for number in range(5):
                yield f"{number}\n"
                await asyncio.sleep(0)

        return StreamingResponse(lines(), background=BackgroundTask(work, request.url.path))

    serving = serve(app_of(Route("/{name}", endpoint), middleware=middleware))
    with serving.connect() as client:
        for name in ("/a", "/b"):
            response = client.ask(get(name))
            assert (response.framing, response.body) == ("chunked", b"0\n1\n2\n3\n4\n")
            assert response.header("x-found") == [b"unset"] * bool(middleware)
        assert done == []
        gate.open()
    serving.await_idle()
    assert sorted(done) == ["/a", "/b"]


@CASES("middleware", [0, 1])
def test_a_client_that_leaves_a_stream(serve: Serve, middleware: int) -> None:
    """The generator is closed and its cleaning up runs; nothing is told."""
    gate = Gate()
    ended: list[str] = []

    async def endpoint(request: Request) -> Any:
        async def ticks() -> Any:
            try:
                while True:
                    yield "tick\n"
                    gate.announce()
                    await asyncio.sleep(0.005)
            finally:
                ended.append("closed")

        return StreamingResponse(ticks())

    serving = serve(app_of(Route("/", endpoint), middleware=middleware))
    with serving.connect() as client:
        client.send(get())
        gate.await_reached()
        client.reset()
    serving.await_idle()
    until(lambda: ended == ["closed"], "the generator was not closed")


def test_is_disconnected(serve: Serve) -> None:
    """It polls receive() with a cancelled scope: hundreds of calls, and the body is still whole."""
    gate = Gate()
    answers: list[bool] = []

    async def endpoint(request: Request) -> Any:
        body = await request.body()
        answers.extend([await request.is_disconnected() for _ in range(200)])
        gate.announce()
        while not await request.is_disconnected():
            await asyncio.sleep(0.002)
        answers.append(True)
        return PlainTextResponse(body)

    serving = serve(app_of(Route("/", endpoint, methods=["POST"]), middleware=0))
    with serving.connect() as client:
        client.send(request("POST", "/", body=b"hello"))
        gate.await_reached()
        client.reset()
    serving.await_idle()
    assert answers == [False] * 200 + [True]


def test_uploads(serve: Serve) -> None:
    async def endpoint(request: Request) -> Any:
        sizes = [len(chunk) async for chunk in request.stream()]
        return JSONResponse(sum(sizes))

    serving = serve(app_of(Route("/", endpoint, methods=["POST"])))
    with serving.connect() as client:
        for size in (0, 1, 100_000, 3_000_000):
            assert client.ask(request("POST", "/", body=bytes(size))).json() == size


def test_a_client_that_leaves_an_upload(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    """Starlette raises ClientDisconnect, tries to answer 500, and raises on: no traceback for that."""
    gate = Gate()

    async def endpoint(request: Request) -> Any:
        gate.announce()
        return JSONResponse(len(await request.body()))

    serving = serve(app_of(Route("/", endpoint, methods=["POST"]), middleware=0), access_log=True)
    with serving.connect() as client:
        client.send(request("POST", "/", "Content-Length: 10") + b"hello")
        gate.await_reached()
        client.reset()
    serving.await_idle()
    serving.stop()
    assert capfd.readouterr().out.endswith('"POST / HTTP/1.1" 499 Client Closed Request\n')


def test_an_exception_in_an_endpoint(serve: Serve) -> None:
    async def endpoint(request: Request) -> Any:
        raise KeyError("of the endpoint")

    serving = serve(app_of(Route("/", endpoint)))
    with serving.connect() as client:
        for _ in range(2):
            response = client.ask(get())
            assert (response.status, response.closes) == (500, False)  # it is Starlette's own answer
    serving.await_idle()
    assert ["KeyError: 'of the endpoint'" in text for text in serving.errors()] == [True] * 2


def test_mounts_below_a_root_path(serve: Serve) -> None:
    async def endpoint(request: Request) -> Any:
        return JSONResponse([request.scope["root_path"], request.url.path, request.scope["path"]])

    app = app_of(Mount("/sub", routes=[Route("/leaf", endpoint)]))
    serving = serve(app, root_path="/api")
    assert serving.ask(get("/sub/leaf")).json() == ["/api/sub", "/api/sub/leaf", "/api/sub/leaf"]


def test_lifespan_state(serve: Serve) -> None:
    import contextlib

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> Any:
        yield {"shared": ["a"]}

    async def endpoint(request: Request) -> Any:
        request.state.own = request.url.path
        request.state.shared.append(request.url.path)
        return JSONResponse([sorted(request.state._state), request.state.shared])

    serving = serve(Starlette(routes=[Route("/{x}", endpoint)], lifespan=lifespan), lifespan="on")
    assert serving.ask(get("/1")).json() == [["own", "shared"], ["a", "/1"]]
    assert serving.ask(get("/2")).json() == [["own", "shared"], ["a", "/1", "/2"]]


def fastapi_app(events: list[str]) -> Any:
    app = FastAPI()

    async def session() -> Any:
        events.append("opened")
        try:
            yield "session"
        except ValueError:
            events.append("rolled back")
            raise
        finally:
            events.append("closed")

    own = Depends(session)

    @app.get("/ok")
    async def ok(value: str = own) -> str:
        events.append("answered")
        return value

    @app.get("/error")
    async def error(value: str = own) -> str:
        raise ValueError("in the endpoint")

    @app.get("/thread")
    def thread(value: str = own) -> str:
        return value

    @app.get("/stream")
    async def stream(value: str = own) -> Any:
        async def parts() -> Any:
            for _ in range(3):
                yield value
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    @app.post("/json")
    async def json_body(body: dict[str, Any], background: BackgroundTasks) -> dict[str, Any]:
        background.add_task(events.append, "background")
        return body

    return app


@CASES(
    ("path", "status", "expected"),
    [
        ("/ok", 200, ["opened", "answered", "closed"]),
        ("/error", 500, ["opened", "rolled back", "closed"]),
        ("/thread", 200, ["opened", "closed"]),
        ("/stream", 200, ["opened", "closed"]),
    ],
)
def test_fastapi_dependencies_with_yield(serve: Serve, path: str, status: int, expected: list[str]) -> None:
    events: list[str] = []
    serving = serve(fastapi_app(events))
    with serving.connect() as client:
        assert [client.ask(get(path)).status for _ in range(2)] == [status] * 2
    serving.await_idle()
    assert events == expected * 2
    assert len(serving.errors()) == (2 if status == 500 else 0)


def test_fastapi_bodies_and_background_tasks(serve: Serve) -> None:
    events: list[str] = []
    serving = serve(fastapi_app(events))
    body = json.dumps({"a": ["é"] * 10_000}).encode()
    data = request("POST", "/json", "Content-Type: application/json", body=body)
    with serving.connect() as client:
        client.send(data * 3)
        for _ in range(3):
            assert client.response().json() == json.loads(body)
    serving.await_idle()
    assert events == ["background"] * 3


@CASES("middleware", [[], [Middleware(Tagged)], [Middleware(GZipMiddleware)]], ids=["none", "piped", "gzip"])
def test_a_file_by_its_path(serve: Serve, tmp_path: Path, middleware: list[Middleware]) -> None:
    """FileResponse sends its path by itself where it may, through the middleware that Starlette has."""
    path = tmp_path / "file"
    content = bytes(range(256)) * 1000
    path.write_bytes(content)
    done: list[str] = []

    async def whole(request: Request) -> Any:
        return FileResponse(path, background=BackgroundTask(done.append, request.url.path))

    app = Starlette(routes=[Route("/", whole)], middleware=middleware)
    serving = serve(app, pathsend=True)
    with serving.connect() as client:
        response = client.ask(get("/", "Accept-Encoding: gzip"))
        assert (response.framing, response.body == content) == ("length", True)
        response = client.ask(get("/", "Range: bytes=1000-200999"))
        assert (response.status, response.body == content[1000:201_000]) == (206, True)
        until(lambda: done == ["/", "/"], "the background task did not run")
        path.unlink()
        assert client.ask(get()).status == 500
    assert "does not exist" in until(serving.errors, "no error was logged")[0]
