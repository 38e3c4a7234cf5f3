"""The ASGI application that makes a server wait: for a timer, for a body, for a call that holds the event
loop, or computes.

It stands alone: servers import it as ``waiting_asgi:app``.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]

HELLO = b"Hello, world!"
WAIT_S = 0.01
BLOCK_S = 0.02
NUMBERS = 4000


def head(length: int) -> Message:
    """200, for so many bytes."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(length).encode())]
    return {"type": "http.response.start", "status": 200, "headers": headers}


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Answer ``/`` at once; ``/wait``, 10 ms later; ``/block``, after 20 ms that hold the loop;
    ``/compute``, after some 200 µs of computing; ``/count``."""
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
    path, body = scope["path"], HELLO
    if path == "/wait":
        await asyncio.sleep(WAIT_S)
    elif path == "/block":
        time.sleep(BLOCK_S)
    elif path == "/compute":
        sum(number * number for number in range(NUMBERS))
    elif path == "/count":
        count, more = 0, True
        while more:
            message = await receive()
            count += len(message.get("body", b""))
            more = message.get("more_body", False)
        body = str(count).encode()
    await send(head(len(body)))
    await send({"type": "http.response.body", "body": body})
