"""What does an application of the storm do? (storm.py)

The steps of a request are chosen before it is sent; its `Actor` carries them out and keeps what it saw
and sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .app import Receive, Send

PATTERN = bytes(range(256)) * 1024
"""Bodies are cut from it, each at its own place, so that no byte can go astray unnoticed."""


Step = tuple[Any, ...]


@dataclass
class Asked:
    """One request, and what its application saw and did."""

    number: int
    method: str
    body: bytes
    keeps_alive: bool
    wire: bytes
    steps: list[Step]
    is_1_0: bool = False
    refused: bool = False
    """Its head is: the application must never see it."""
    broken: bool = False
    """Its body is, or is too large: it is never complete."""
    calls: int = 0
    received: bytearray = field(default_factory=bytearray)
    whole: bool = False
    status: int = 0
    sent: bytearray = field(default_factory=bytearray)
    answered: bool = False
    running: int = 0


class Gate:
    """Where applications wait until the storm lets them on."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self.open = False

    async def wait(self) -> None:
        if not self.open:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future

    def let(self, rng: random.Random) -> None:
        """Let one of them on."""
        if self._waiting:
            future = self._waiting.pop(rng.randrange(len(self._waiting)))
            if not future.done():
                future.set_result(None)

    def let_all(self) -> None:
        self.open = True
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()


class Actor:
    """Carries out the steps of one request."""

    def __init__(self, gate: Gate, asked: Asked, receive: Receive, send: Send) -> None:
        self._gate = gate
        self._asked = asked
        self._receive = receive
        self._send = send
        self._children: list[asyncio.Task[None]] = []

    async def perform(self, steps: Sequence[Step]) -> None:
        self._asked.running += 1
        try:
            for name, *arguments in steps:
                await getattr(self, name)(*arguments)
        finally:
            self._asked.running -= 1

    async def receive(self) -> None:
        self._note(await self._receive())

    async def glance(self) -> None:
        """Receive what is there, and do not wait for it: how frameworks look for a disconnect."""
        task = asyncio.ensure_future(self._receive())
        await asyncio.sleep(0)
        if not task.done():  # what is there is noted at once, or a child might note the next part first
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            self._note(task.result())

    async def read(self) -> None:
        while True:
            event = await self._receive()
            self._note(event)
            if event["type"] == "http.disconnect" or not event["more_body"]:
                return

    async def hear_the_end(self) -> None:
        while (event := await self._receive())["type"] != "http.disconnect":
            self._note(event)

    def _note(self, event: dict[str, Any]) -> None:
        if event["type"] == "http.request":
            assert not self._asked.whole, "a message behind the body's last"
            self._asked.received += event["body"]
            self._asked.whole = not event["more_body"]

    async def start(self, status: int, length: int | None, as_generator: bool) -> None:
        headers = [(b"x-number", b"%d" % self._asked.number)]
        if length is not None:
            headers.append((b"content-length", b"%d" % length))
        pairs = (pair for pair in headers) if as_generator else headers
        sending = self._send({"type": "http.response.start", "status": status, "headers": pairs})
        self._asked.status = status
        await sending

    async def body(self, size: int, more: bool) -> None:
        begin = (self._asked.number * 7 + len(self._asked.sent)) % 256
        piece = PATTERN[begin : begin + size]
        # What send() does it does when it is called: to wait for it is to wait for the client.
        sending = self._send({"type": "http.response.body", "body": piece, "more_body": more})
        self._asked.sent += piece
        self._asked.answered = not more
        await sending

    async def impatient_body(self, size: int) -> None:
        """Wait for a slow client for a moment only."""
        with contextlib.suppress(asyncio.TimeoutError, TimeoutError):  # two classes before Python 3.11
            await asyncio.wait_for(self.body(size, True), 0)

    async def hint(self) -> None:
        await self._send({"type": "http.response.early_hint", "links": [b"</a>; rel=preload"]})

    async def pause(self, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self) -> None:
        await self._gate.wait()

    async def fail(self) -> None:
        raise RuntimeError("the storm says: fail")

    async def try_all(self, steps: Sequence[Step]) -> None:
        """Go on whatever happens."""
        for step in steps:
            with contextlib.suppress(Exception):
                await self.perform([step])

    async def child(self, steps: Sequence[Step]) -> None:
        """A task that may outlive its parent."""
        task = asyncio.ensure_future(self.perform(steps))
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._children.append(task)

    async def cancel_children(self) -> None:
        for task in self._children:
            task.cancel()

    async def cancel_itself(self) -> None:
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await asyncio.sleep(0)
