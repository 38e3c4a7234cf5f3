"""The application of this suite: each answer names the process; files in its directory say how it begins."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

with open("imported.txt", "a") as file:
    print(os.getpid(), file=file)
if Path("broken").exists():
    raise RuntimeError(Path("broken").read_text())
while Path("slow").exists():
    time.sleep(0.005)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("application shutdown", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "websocket":
        await websocket(receive, send)
        return
    if scope["path"] in ("/events", "/farewell"):
        await events(send, scope["path"] == "/farewell")
        return
    if scope["path"] == "/held":
        print("held", flush=True)
        while not (await receive()).get("body"):
            pass
    elif scope["path"] == "/endless":
        print("endless", flush=True)
        await asyncio.Event().wait()
    elif scope["path"] == "/blocked":
        print("blocked", flush=True)
        while True:
            time.sleep(0.01)
    elif scope["path"] == "/held-up":
        print("held-up", flush=True)
        while Path("hold").exists():
            time.sleep(0.005)
    elif scope["path"] == "/orphan":
        child = os.fork()
        if child == 0:
            if os.fork() == 0:
                os.write(1, b"orphan\n")
            os._exit(0)
        os.waitpid(child, 0)
    elif scope["path"] == "/scribble":
        os.write(3, b'hello\n[]\n{"is": "happy"}\n')
    elif scope["path"] == "/crash":
        os.kill(os.getpid(), signal.SIGABRT)
    elif scope["path"] == "/exit":
        os._exit(7)
    body = b"%d" % os.getpid()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


async def websocket(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    message = await receive()
    print("disconnect", message["code"], flush=True)


async def events(send: Any, is_polite: bool) -> None:
    """A stream without an end; one that is polite says so if it has to end."""
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("stream cancelled", flush=True)
        if not is_polite:
            raise
        await send({"type": "http.response.body", "body": b"data: farewell\n\n"})
