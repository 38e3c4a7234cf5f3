"""The application under every wire test: it records each request that reaches it.

Paths:
    /script/<steps>    carries out the steps (see script.py)
    anything else      reads the whole body, then answers 200 with the record as JSON
Control, for the test's own connection, never recorded:
    /__seen            waits until the recorded requests have ended, answers with the records, and forgets all
    /__peek            answers with the records as they stand
    /__open/<gate>     lets one script pass that waits at this gate
    /__tls             what the scope's TLS extension says, or null
    /__objects         live objects by class, after a collection
    /__live            tasks, and what a debug build counts, after a collection that gives free memory back
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

try:
    from fastserve.net.debug import live_objects
except ModuleNotFoundError:  # nothing was compiled

    def live_objects() -> dict[str, int]:
        return {}


from .script import Step, steps_of
from .seen import BODY_KEPT_MAX, Seen

Scope = dict[str, Any]
Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

SETTLE_TIMEOUT_S = 3.0

# What the allocator holds for later is no leak. glibc's own: elsewhere there is nothing to ask.
_give_back_free_memory = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)

_touched: ContextVar[bool] = ContextVar("touched", default=False)


def _pairs(headers: list[list[str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


class WireApp:
    """An ASGI 3 application with a memory of what it saw and gates that tests open."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._gates: dict[str, asyncio.Semaphore] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["path"].startswith("/__"):
            await self._control(scope, send)
        else:
            await self._recorded(scope, receive, send)

    def open_gate(self, gate: str) -> None:
        """Let one script pass that waits at this gate, or that will come to it."""
        self.gate(gate).release()

    def gate(self, gate: str) -> asyncio.Semaphore:
        if gate not in self._gates:
            self._gates[gate] = asyncio.Semaphore(0)
        return self._gates[gate]

    async def settled(self) -> list[Seen]:
        """The records, once every request on record has ended or a few seconds are over; then forget all."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + SETTLE_TIMEOUT_S
        while not all(record.finished for record in self.seen) and loop.time() < deadline_s:
            await asyncio.sleep(0.005)
        records, self.seen = self.seen, []
        self._gates.clear()
        return records

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        # The test's process holds the other end of stdin: whatever ends it ends this process too.
        loop.add_reader(0, signal.raise_signal, signal.SIGKILL)
        while True:
            event = await receive()
            print(f"wire app: {event['type']}", file=sys.stderr, flush=True)
            await send({"type": event["type"] + ".complete"})
            if event["type"] == "lifespan.shutdown":
                loop.remove_reader(0)
                return

    async def _control(self, scope: Scope, send: Send) -> None:
        _, _, command = scope["path"].partition("/__")
        command, _, argument = command.partition("/")
        answer: object = None
        if command == "seen":
            answer = [record.to_json() for record in await self.settled()]
        elif command == "peek":
            answer = [record.to_json() for record in self.seen]
        elif command == "open":
            self.open_gate(argument)
        elif command == "tls":
            answer = scope["extensions"].get("tls")
        elif command == "live":
            gc.collect()
            _give_back_free_memory(0)
            answer = {**live_objects(), "tasks": len(asyncio.all_tasks())}
        elif command == "objects":
            gc.collect()
            answer = Counter(f"{type(o).__module__}.{type(o).__qualname__}" for o in gc.get_objects())
        await _send_json(send, answer)

    async def _recorded(self, scope: Scope, receive: Receive, send: Send) -> None:
        record = _record_of(scope)
        self.seen.append(record)
        try:
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1000})
                return
            steps = steps_of(scope["path"])
            if steps:
                await _Actor(self, record, receive, send).perform(steps)
            else:
                await _read(record, receive)
                if record.complete:
                    await _send_json(send, record.to_json())
        except asyncio.CancelledError:
            record.cancelled = True
            raise
        finally:
            record.finished = True


class _Actor:
    """Carries out the steps of one request."""

    def __init__(self, app: WireApp, record: Seen, receive: Receive, send: Send) -> None:
        self._app = app
        self._record = record
        self._receive = receive
        self._raw_send = send

    async def perform(self, steps: list[Step]) -> None:
        for name, *arguments in steps:
            await getattr(self, f"do_{name}")(*arguments)

    async def _send(self, event: Event) -> None:
        try:
            await self._raw_send(event)
        except Exception as error:
            self._record.error = type(error).__name__ + (" OSError" if isinstance(error, OSError) else "")
            raise

    async def do_start(self, status: int, headers: list[list[str]]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": _pairs(headers)})

    async def do_body(self, data: str, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data.encode("latin-1"), "more_body": more})

    async def do_fill(self, size: int, times: int, more: bool) -> None:
        piece = b"x" * size
        for count in range(1, times + 1):
            await self._send(
                {"type": "http.response.body", "body": piece, "more_body": more or count < times}
            )
            self._record.marks.append(f"sent {count}")

    async def do_message(self, event: Event) -> None:
        await self._send(event)

    async def do_read(self) -> None:
        await _read(self._record, self._receive)

    async def do_receive(self) -> None:
        _note(self._record, await self._receive())

    async def do_wait(self, gate: str) -> None:
        await self._app.gate(gate).acquire()

    async def do_wait_disconnect(self) -> None:
        while not self._record.disconnected:
            _note(self._record, await self._receive())

    async def do_mark(self, name: str) -> None:
        self._record.marks.append(name)

    async def do_fail(self) -> None:
        raise RuntimeError("the script says: fail")


def _record_of(scope: Scope) -> Seen:
    record = Seen(
        type=scope["type"],
        method=scope.get("method", ""),
        path=scope["path"],
        raw_path=(scope.get("raw_path") or b"").decode("latin-1"),
        query_string=scope["query_string"].decode("latin-1"),
        http_version=scope["http_version"],
        scheme=scope["scheme"],
        root_path=scope.get("root_path", ""),
        client=(scope.get("client") or ("",))[0],
        headers=[[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        context_leaked=_touched.get(),
    )
    _touched.set(True)
    return record


def _note(record: Seen, event: Event) -> None:
    if event["type"] == "http.disconnect":
        record.disconnected = True
        return
    data = event.get("body", b"")
    record.body_length += len(data)
    record.body += data[: BODY_KEPT_MAX - len(record.body)].decode("latin-1")
    if not event.get("more_body", False):
        record.complete = True


async def _read(record: Seen, receive: Receive) -> None:
    while not record.complete and not record.disconnected:
        _note(record, await receive())


async def _send_json(send: Send, value: object) -> None:
    data = json.dumps(value).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": data})


app = WireApp()
