"""The application of this suite: the path chooses what it does; it says on stdout what happens to it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys
from types import CoroutineType, FrameType
from typing import Any
from urllib.parse import parse_qsl

GO = asyncio.Event()


def say(what: str) -> None:
    print(what, flush=True)


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        scope["state"]["answer"] = "of the lifespan"
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        say("shut down")
    elif scope["type"] == "http":
        await http(scope, receive, send)
    else:
        query = dict(parse_qsl(scope["query_string"].decode()))
        await PATHS[scope["path"]](scope, receive, send, query)


async def http(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/go":
        GO.set()
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    text = f"{scope['method']} {scope['path']} {body.decode()}".encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]}
    )
    await send({"type": "http.response.body", "body": text})


async def begin(receive: Any, send: Any, **accept: Any) -> None:
    assert await receive() == {"type": "websocket.connect"}
    await send({"type": "websocket.accept", **accept})


async def echo(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    await begin(receive, send)
    while (message := await receive())["type"] == "websocket.receive":
        with contextlib.suppress(OSError):  # it has closed behind the message
            await send({**message, "type": "websocket.send"})
    say(f"disconnect {message['code']} {message['reason']!r}")


async def shown(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Send the scope, and choose the last subprotocol that is offered."""
    offers = scope["subprotocols"]
    await begin(receive, send, subprotocol=offers[-1] if offers else None, headers=[(b"x-own", b"\xe9")])
    await send(
        {"type": "websocket.send", "text": json.dumps(scope, default=lambda value: value.decode("latin-1"))}
    )
    await receive()


async def length(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Answer each message by its length."""
    await begin(receive, send)
    while (message := await receive())["type"] == "websocket.receive":
        await send(
            {"type": "websocket.send", "text": str(len(message.get("text") or message.get("bytes") or ""))}
        )


async def refuse(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    await receive()
    await send({"type": "websocket.close"})
    say(f"then {await receive()}")


async def deny(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """The extension: a whole HTTP answer, in two parts."""
    assert "websocket.http.response" in scope["extensions"]
    await receive()
    await send(
        {"type": "websocket.http.response.start", "status": 401, "headers": [(b"www-authenticate", b"a")]}
    )
    await send({"type": "websocket.http.response.body", "body": b"not ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"you"})


async def returns(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    await begin(receive, send)


async def returns_early(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    pass


async def raises(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    await begin(receive, send)
    raise ValueError("of the application")


async def raises_early(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    raise ValueError("of the application")


async def closes(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Send so many bytes in messages of 9000, close, and say what the end was."""
    await begin(receive, send)
    left = int(query.get("bytes", 0))
    while left > 0:
        await send({"type": "websocket.send", "bytes": b"x" * min(left, 9000)})
        left -= 9000
    code = int(query.get("code", 1000))
    await send({"type": "websocket.close", "code": code, "reason": query.get("reason", "")})
    say(f"closed: {await receive()}")


async def closes_late(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Close while the client's own Close waits for this answer."""
    await begin(receive, send)
    message = await receive()
    await asyncio.sleep(0.1)
    await send({**message, "type": "websocket.send"})
    await send({"type": "websocket.close", "code": 4444})
    say(f"closed late: {await receive()}")


async def misuses(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Send what may not be sent at that point; the exceptions are said."""

    async def fails(message: Any) -> None:
        try:
            await send(message)
        except Exception as error:
            say(f"{type(error).__name__}: {error}")

    await receive()
    await fails({"type": "websocket.send", "text": "too early"})
    await send({"type": "websocket.accept"})
    await fails({"type": "websocket.accept"})
    await fails({"type": "websocket.send", "text": 5})
    await fails({"type": "websocket.close", "code": 1006})
    await send({"type": "websocket.close"})
    await fails({"type": "websocket.send", "text": "too late"})


async def sends_on(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Send until that fails."""
    await begin(receive, send)
    size = int(query.get("bytes", 10))
    sent = 0
    try:
        while True:
            await send({"type": "websocket.send", "bytes": b"y" * size})
            sent += 1
            if "paced" in query:
                await asyncio.sleep(0.01)
            elif sent % 50 == 0:
                say(f"sent {sent}")
    except OSError as error:
        say(f"{type(error).__name__} is an OSError")
    say(f"then {await receive()}")


async def hogs(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Send in a loop that waits for nothing, until the client has said something."""
    await begin(receive, send)
    listening = asyncio.ensure_future(receive())
    while not listening.done():
        await send({"type": "websocket.send", "bytes": b""})


async def waits(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Take no message until GET /go; then say how many there are, and echo the last."""
    await begin(receive, send)
    say("waiting")
    await GO.wait()
    GO.clear()
    count = 0
    while (message := await receive())["type"] == "websocket.receive":
        count += 1
        if message.get("text") == "last":
            await send({"type": "websocket.send", "text": f"{count} messages"})
    say(f"disconnect after {count}: {message['code']}")


async def late(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Accept after GET /go."""
    assert await receive() == {"type": "websocket.connect"}
    say("not accepted yet")
    listening = asyncio.ensure_future(receive())
    going = asyncio.ensure_future(GO.wait())
    await asyncio.wait({listening, going}, return_when=asyncio.FIRST_COMPLETED)
    going.cancel()
    if listening.done():
        say(f"then {listening.result()}")
        return
    GO.clear()
    await send({"type": "websocket.accept"})
    message = await listening
    await send({**message, "type": "websocket.send"})


async def too_late(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Answer the handshake when nobody waits for that any more."""
    assert await receive() == {"type": "websocket.connect"}
    said = await receive()
    try:
        await send({"type": "websocket.accept"})
    except OSError as error:
        say(f"{said}, then {type(error).__name__}")


async def answers_slowly(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Begin an answer of its own, and end it when GET /go comes."""
    await receive()
    await send({"type": "websocket.http.response.start", "status": 200, "headers": []})
    say("answering")
    await GO.wait()
    GO.clear()
    await send({"type": "websocket.http.response.body", "body": b"at last"})


async def adds(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Accept with a header that is not the application's; the exceptions are said."""
    await receive()
    for accept in (
        {"headers": [(b"sec-websocket-accept", b"x")]},
        {"headers": [(b"Sec-WebSocket-Extensions", b"x")]},
        {"headers": [(b"sec-websocket-protocol", b"x")], "subprotocol": "y"},
        {"headers": [("x-text", "x")]},
        {"headers": [(b"x-split", b"a\r\nb: c")]},
        {"headers": [b"ab"]},
        {"headers": [()]},
        {"subprotocol": "a\r\nb: c"},
    ):
        try:
            await send({"type": "websocket.accept", **accept})
        except (TypeError, ValueError) as error:
            say(f"{type(error).__name__}: {error}")
    await send({"type": "websocket.accept", "headers": [(b"sec-websocket-protocol", b"x")]})
    await receive()


async def recorded(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Say in one line what was received."""
    await begin(receive, send)
    received = []
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        payload = message["bytes"] if text is None else text.encode()
        received.append((2 if text is None else 1, len(payload), sum(payload) % 9973))
    say(f"recorded {message['code']} {received}")


async def weighed(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Tell what is held for as long as this runs: the scope's bytes, beside those of a dict of the same keys,
    and the objects that there are of this coroutine's frame."""
    await receive()
    await send({"type": "websocket.accept"})
    sizes = [sys.getsizeof(scope), sys.getsizeof(dict(scope.items()))]
    coroutines = [thing for thing in gc.get_objects() if isinstance(thing, CoroutineType)]
    (own,) = [coroutine for coroutine in coroutines if coroutine.cr_code is weighed.__code__]
    frames = sum(isinstance(held, FrameType) for held in gc.get_referents(own))
    await send({"type": "websocket.send", "text": json.dumps([*sizes, frames])})
    await receive()


async def stays(scope: Any, receive: Any, send: Any, query: dict[str, str]) -> None:
    """Ignore what comes, the end too."""
    await begin(receive, send)
    say("staying")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        say("cancelled")
        raise


PATHS = {
    "/": echo,
    "/scope": shown,
    "/length": length,
    "/refuse": refuse,
    "/deny": deny,
    "/returns": returns,
    "/returns-early": returns_early,
    "/raises": raises,
    "/raises-early": raises_early,
    "/closes": closes,
    "/closes-late": closes_late,
    "/misuses": misuses,
    "/sends-on": sends_on,
    "/hogs": hogs,
    "/waits": waits,
    "/late": late,
    "/too-late": too_late,
    "/answers-slowly": answers_slowly,
    "/adds": adds,
    "/recorded": recorded,
    "/stays": stays,
    "/weighed": weighed,
}
