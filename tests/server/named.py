"""An application that says the name of its request, through a logger of its own."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from application import answer, lifespan

from fastserve.logging import RequestIdFilter

handler = logging.StreamHandler(sys.stdout)
handler.addFilter(RequestIdFilter())
handler.setFormatter(logging.Formatter("%(request_id)s %(message)s"))
shop = logging.getLogger("shop")
shop.addHandler(handler)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
        return
    if scope["path"] == "/fails":
        raise ZeroDivisionError
    shop.warning("in the coroutine")
    if scope["path"] == "/waits":
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await asyncio.create_task(in_a_task())
    await asyncio.to_thread(shop.warning, "in a thread")
    state = scope["state"]
    await answer(send, f"{state.get('request_id')} {state.get('traceparent')}")


async def in_a_task() -> None:
    shop.warning("in a task")
