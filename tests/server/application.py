"""The application of this suite: it says what happens to it; LIFESPAN and the path choose what it does."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import time
from typing import Any

SET_AT_STARTUP = contextvars.ContextVar("SET_AT_STARTUP", default="unset")
OF_A_REQUEST = contextvars.ContextVar("OF_A_REQUEST", default="unset")


def say(what: str) -> None:
    print(what, flush=True)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
    else:
        await PATHS[scope["path"].removeprefix(scope["root_path"])](scope, receive, send)


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    mode = os.environ.get("LIFESPAN")
    if mode == "raises":
        raise RuntimeError("the database is gone")
    await receive()
    SET_AT_STARTUP.set("by the lifespan")
    scope["state"]["answer"] = "of the lifespan"
    if mode == "fails":
        await send({"type": "lifespan.startup.failed", "message": "the database is away"})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    say("application shutdown")
    if mode == "hangs at shutdown":
        await asyncio.Event().wait()
    await send({"type": "lifespan.shutdown.complete"})


async def answer(send: Any, text: str) -> None:
    body = text.encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await answer(send, "hello")


async def shown(scope: Any, receive: Any, send: Any) -> None:
    of_others = OF_A_REQUEST.get()
    OF_A_REQUEST.set("by an earlier request")
    await answer(
        send,
        f"state {scope['state']['answer']}; startup {SET_AT_STARTUP.get()}; request {of_others}; "
        f"root {scope['root_path']!r}; loop {type(asyncio.get_running_loop()).__module__}",
    )


async def held(scope: Any, receive: Any, send: Any) -> None:
    """Answer once the client has sent one more byte of its body, which is how a test lets go of it."""
    say("held")
    try:
        while not (await receive()).get("body"):
            pass
    except asyncio.CancelledError:
        say("cancelled")
        raise
    await answer(send, "let go")


async def working(scope: Any, receive: Any, send: Any) -> None:
    """Answer, and go on working until the server gives up."""
    await answer(send, "working")
    say("working")
    await asyncio.Event().wait()


async def process(scope: Any, receive: Any, send: Any) -> None:
    await answer(send, f"{os.getpid()} {scope['scheme']} {scope['client'] and scope['client'][0]}")


async def blocked(scope: Any, receive: Any, send: Any) -> None:
    """Stop the event loop, for longer than any test waits, and let nothing end that."""
    say("blocked")
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(600)


PATHS = {
    "/": hello, "/shown": shown, "/held": held, "/working": working, "/process": process, "/blocked": blocked
}  # fmt: skip


def make() -> Any:
    return app


def double(scope: Any) -> Any:
    """The application as ASGI 2 has it."""

    async def instance(receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        else:
            await answer(send, f"ASGI {scope['asgi']['version']}")

    return instance


def own_loop() -> asyncio.AbstractEventLoop:
    say("own loop")
    return asyncio.new_event_loop()


def own_protocol(endpoint: Any) -> asyncio.Protocol:
    from fastserve.h1.connection import Connection

    say("own protocol")
    return Connection(endpoint)


def broken_protocol(endpoint: Any) -> asyncio.Protocol:
    raise ZeroDivisionError
