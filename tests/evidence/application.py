"""The application that both servers serve. It says on stderr what happens; LIFESPAN chooses what it does."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import sys
from typing import Any

VARIABLE = contextvars.ContextVar("VARIABLE", default="unset")
VARIABLE.set("by the module")


def say(what: str) -> None:
    print("application:", what, file=sys.stderr, flush=True)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    if scope["type"] == "websocket":
        return await (deaf if scope["path"] == "/deaf" else echo)(receive, send)
    path = scope["path"].removeprefix(scope["root_path"])
    if path == "/held":
        return await held(receive, send)
    if path == "/raises":
        raise RuntimeError("out of tea")
    await answer(send, shown(path, scope))


def shown(path: str, scope: Any) -> str:
    if path == "/scope":
        client = scope["client"] and scope["client"][0]
        return f"{scope['scheme']} from {client}, root_path {scope['root_path']!r}, path {scope['path']!r}"
    if path == "/process":
        return str(os.getpid())
    if path == "/loop":
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]
    if path == "/context":
        return f"{VARIABLE.get()}; state {scope['state'].get('answer')}"
    if path == "/environment":
        return f"{os.environ.get('OF_THE_FILE')}, {os.environ.get('OF_THE_SHELL')}"
    return "hello"


async def answer(send: Any, text: str) -> None:
    body = text.encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def held(receive: Any, send: Any) -> None:
    """Answer once a byte of the body has come."""
    say("held")
    try:
        message = await receive()
        while message["type"] == "http.request" and not message["body"]:
            message = await receive()
    except asyncio.CancelledError:
        say("cancelled")
        raise
    await answer(send, "let go")


async def echo(receive: Any, send: Any) -> None:
    """Sends back each message of a WebSocket."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
    say(f"disconnected, {message['code']}")


async def deaf(receive: Any, send: Any) -> None:
    """Accepts a WebSocket and receives nothing."""
    await receive()
    await send({"type": "websocket.accept"})
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(60)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    mode = os.environ.get("LIFESPAN")
    if mode == "raises":
        raise RuntimeError("the database is gone")
    await receive()
    scope["state"]["answer"] = "of the lifespan"
    if mode == "slow":
        say("starts")
        await asyncio.sleep(1)
    if mode == "fails":
        await send({"type": "lifespan.startup.failed", "message": "the database is away"})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say("shutdown")
    await send({"type": "lifespan.shutdown.complete"})


def make() -> Any:
    return app


def double(scope: Any) -> Any:
    """An application of ASGI 2."""

    async def instance(receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await answer(send, f"ASGI {scope['asgi']['version']}")
        else:
            await app(scope, receive, send)

    return instance


def simple(environ: Any, start_response: Any) -> Any:
    """An application of WSGI."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
    return [b"WSGI"]
