"""What are the applications of many tests made of?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


def head(status: int = 200, headers: Headers = ()) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def part(data: bytes = b"", more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def answer(send: Send, data: bytes | str = b"ok", status: int = 200, headers: Headers = ()) -> None:
    """A whole answer."""
    await send(head(status, headers))
    await send(part(data.encode() if isinstance(data, str) else data))


async def read(receive: Receive) -> bytes:
    """The request's whole body. Raises ConnectionError if the client goes before it is complete."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError(message["type"])
        body += message["body"]
        if not message["more_body"]:
            return bytes(body)


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await answer(send, b"hello")
