"""An application whose requests take their time, each in a way of its own."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from application import answer, lifespan, say

SLOW_S = 0.15


def compute() -> None:
    end_s = time.thread_time() + SLOW_S
    while time.thread_time() < end_s:
        pass


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
        return
    if scope["path"] == "/sleeps":
        time.sleep(SLOW_S)
    elif scope["path"] == "/computes":
        compute()
    elif scope["path"] == "/suspended":
        await asyncio.sleep(SLOW_S)
    elif scope["path"] == "/body":
        say("wants its body")
        while (await receive()).get("more_body"):
            pass
    elif scope["path"] == "/client":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        say("sends")
        for _ in range(200):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await answer(send, "done")
