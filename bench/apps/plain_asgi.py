"""The application that fastserve and uvicorn serve: raw ASGI, one path for each workload.

It stands alone (servers import it as ``app:app``) and does as little as an application can, so that what is
measured is the server.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HELLO = b"Hello, world!"
CHUNK = b"x" * 100
CHUNKS = 20
LARGE = b"x" * 100_000
ECHO_BYTES = 64 * 1024
ITEMS = {"items": [{"id": i, "name": f"item {i}", "price": i * 1.5, "tags": ["a", "b"]} for i in range(10)]}
FIELDS = 20

TEXT = (b"content-type", b"text/plain")
HELLO_HEADERS = [TEXT, (b"content-length", str(len(HELLO)).encode())]
LARGE_HEADERS = [TEXT, (b"content-length", str(len(LARGE)).encode())]
STREAM_HEADERS = [TEXT]
FIELD_HEADERS = HELLO_HEADERS + [
    (f"x-field-{i}".encode(), f"value {i}".encode()) for i in range(FIELDS - len(HELLO_HEADERS))
]

MEMBERS: list[Send] = []


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer ``/``, ``/large``, ``/stream``, ``/echo``, ``/json`` and ``/fields``.

    On a WebSocket, ``/broadcast`` and an echo.
    """
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["type"] == "websocket":
        await (broadcast if scope["path"] == "/broadcast" else messages)(receive, send)
        return
    path = scope["path"]
    if path == "/":
        await send({"type": "http.response.start", "status": 200, "headers": HELLO_HEADERS})
        await send({"type": "http.response.body", "body": HELLO})
    elif path == "/large":
        await send({"type": "http.response.start", "status": 200, "headers": LARGE_HEADERS})
        await send({"type": "http.response.body", "body": LARGE})
    elif path == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": STREAM_HEADERS})
        for _ in range(CHUNKS):
            await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    elif path == "/echo":
        await echo(receive, send)
    elif path == "/json":
        body = json.dumps(ITEMS).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    elif path == "/fields":
        await send({"type": "http.response.start", "status": 200, "headers": FIELD_HEADERS})
        await send({"type": "http.response.body", "body": HELLO})
    else:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})


async def echo(receive: Receive, send: Send) -> None:
    """Read the whole body, then send it back as one message."""
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"".join(parts)
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def messages(receive: Receive, send: Send) -> None:
    """Send back each message of a WebSocket."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message["bytes"]})


async def broadcast(receive: Receive, send: Send) -> None:
    """Send each message of a WebSocket to all that are there, one after the other."""
    await receive()
    await send({"type": "websocket.accept"})
    MEMBERS.append(send)
    while (message := await receive())["type"] == "websocket.receive":
        sent = {"type": "websocket.send", "bytes": message["bytes"]}
        for member in MEMBERS:
            await member(sent)
    MEMBERS.remove(send)


async def lifespan(receive: Receive, send: Send) -> None:
    """Say yes to start-up and to shutdown."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
