"""An application whose requests take their time, each in a way of its own."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from application import answer, lifespan


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(scope, receive, send)
        return
    if scope["path"] == "/runs":
        time.sleep(0.15)
    elif scope["path"] == "/suspended":
        await asyncio.sleep(0.15)
    elif scope["path"] == "/body":
        print("wants its body", flush=True)
        while (await receive()).get("more_body"):
            pass
    elif scope["path"] == "/client":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        print("sends", flush=True)
        for _ in range(200):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await answer(send, "done")
