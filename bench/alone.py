"""An ASGI application that no server calls: what of a request's cost is its own?

    python -m bench.alone fastapi_app:app / --seconds 2 --warm-up 1

calls it again and again for 64 clients that are not there, with a scope, `receive()` and `send()` that do
nothing, and prints the CPU time of a call as JSON. What a server adds (sockets, the parser, a scope and a
task for each request, the answer's bytes, and the caches that all of this fills) is not in it.
"""

import argparse
import asyncio
import importlib
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvloop

Message = MutableMapping[str, Any]
Application = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Any]

CLIENTS = 64


class Call:
    """One request of one client."""

    __slots__ = ("asked", "body", "status")

    def __init__(self) -> None:
        self.asked = False
        self.status = 0
        self.body = b""

    async def receive(self) -> Message:
        """The request, which has no body; then a client that stays."""
        if self.asked:
            await asyncio.get_running_loop().create_future()
        self.asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """Keep what is checked."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")


def scope(path: str) -> Message:
    """What a server tells of a GET (ASGI 3, HTTP)."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


async def client(app: Application, path: str, answer: bytes, end_s: float) -> int:
    """Call until `end_s`, and give how often.

    An application that never waits leaves the others no turn before that.
    """
    calls = 0
    while time.perf_counter() < end_s:
        call = Call()
        await app(scope(path), call.receive, call.send)
        if (call.status, call.body) != (200, answer):
            raise SystemExit(f"the application answers {call.status}, {call.body!r}")
        calls += 1
    return calls


async def clients(app: Application, path: str, answer: bytes, seconds: float) -> float:
    """Microseconds of CPU time for a call, of all threads."""
    begin_ns, end_s = time.process_time_ns(), time.perf_counter() + seconds
    calls = sum(await asyncio.gather(*(client(app, path, answer, end_s) for _ in range(CLIENTS))))
    return (time.process_time_ns() - begin_ns) / 1000 / calls


def main() -> None:
    """Parse the command line, warm up, measure."""
    parser = argparse.ArgumentParser(description="An ASGI application, called without a server.")
    parser.add_argument("app")
    parser.add_argument("path")
    parser.add_argument("answer")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warm-up", type=float, required=True)
    arguments = parser.parse_args()
    module, _, attribute = arguments.app.partition(":")
    app = getattr(importlib.import_module(module), attribute)
    expected = (app, arguments.path, arguments.answer.encode())
    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(clients(*expected, arguments.warm_up))
        print(json.dumps({"cpu_us": loop.run_until_complete(clients(*expected, arguments.seconds))}))
    finally:
        loop.close()


if __name__ == "__main__":
    main()
