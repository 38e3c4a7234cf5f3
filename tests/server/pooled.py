"""An application whose calls wait in threads until the test lets go of them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import anyio.to_thread
from application import answer, lifespan, say


def wait() -> None:
    say("in a thread")
    with open("let-go") as file:  # a named pipe
        file.read()


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
        return
    with contextlib.suppress(OSError):
        await (asyncio.to_thread(wait) if scope["path"] == "/asyncio" else anyio.to_thread.run_sync(wait))
    await answer(send, "done")
