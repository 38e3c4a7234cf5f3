"""What do random applications and random clients do to each other?

A number is a `Plan`: what one request looks like, what its application does, and what answer that must
give. The client puts the number into the path; the application makes the same plan of it. So every byte
that arrives can be judged: each answer carries its number in a header and in its body, and is whole, or
an error, or cut, as planned.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wire.client import Client, Response, WireError

from .apps import Message, Receive, Scope, Send, head, part
from .serving import request

SIZES = [0, 1, 10, 1000, 16384, 16385, 70_000, 300_000]
FATES = ["whole"] * 12 + ["raises", "returns", "cancelled"]
WHEN = ["before the head", "behind the head", "within the body"]


@dataclass
class Plan:
    """One request, its application and its answer. All follows from `number`."""

    number: int

    def __post_init__(self) -> None:
        chance = random.Random(self.number)
        self.method = chance.choice(["GET", "GET", "POST", "POST", "PUT", "HEAD"])
        self.old = chance.random() < 0.05
        self.body_size = chance.choice(SIZES) if self.method in ("POST", "PUT") else 0
        self.body_chunked = not self.old and chance.random() < 0.3
        self.expects = not self.old and chance.random() < 0.1
        self.status = chance.choice([200, 200, 200, 201, 404, 500, 204, 304])
        self.sizes = [chance.choice(SIZES) for _ in range(chance.choice([1, 1, 1, 2, 3, 8]))]
        self.with_length = chance.random() < 0.5
        self.fate = chance.choice(FATES)
        self.when = chance.choice(WHEN)
        self.habits = {
            habit: chance.random() < 0.25
            for habit in (
                "read", "give up", "hint", "pause", "child", "late", "generator", "bytearray", "listen",
                "behind", "raise behind",
            )
        }  # fmt: skip
        if len(self.sizes) == 1 and self.when == "within the body":
            self.when = "behind the head"
        self.sizes[-1] = max(1, self.sizes[-1])  # so that a cut before it shows

    @property
    def data(self) -> bytes:
        """The request's bytes."""
        path = f"/{self.number}"
        fields = ["Expect: 100-continue"] if self.expects and self.body_size else []
        if self.old:
            return request(self.method, path, body=self.body or None).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        if self.body_chunked and self.body_size:
            begin = request(self.method, path, "Transfer-Encoding: chunked", *fields)
            half = self.body_size // 2
            pieces = [piece for piece in (self.body[:half], self.body[half:]) if piece]
            return begin + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
        return request(self.method, path, *fields, body=self.body if self.body_size else None)

    @property
    def body(self) -> bytes:
        return self._pattern(self.body_size)

    @property
    def answer(self) -> bytes:
        """The body of the whole answer, as the application sends it."""
        return self._pattern(sum(self.sizes))

    def _pattern(self, size: int) -> bytes:
        unit = b"<%d>" % self.number
        return (unit * (size // len(unit) + 1))[:size]

    @property
    def is_empty(self) -> bool:
        """The answer has no body on the wire, so that a cut does not show in it."""
        return self.method == "HEAD" or self.status in (204, 304)

    @property
    def expected(self) -> str:
        """What the client sees: whole, error, or cut."""
        if self.fate == "whole":
            return "whole"
        return "cut" if self.when == "within the body" else "error"

    def assert_answered(self, response: Response) -> None:
        """This is the planned answer, to the byte."""
        if self.expected == "error":
            assert response.status == (503 if self.fate == "cancelled" else 500), (self, response)
            assert response.closes and response.header("x-number") == [], (self, response)
            return
        assert self.expected == "whole" or self.is_empty, (self, response)
        assert response.status == self.status, (self, response)
        assert response.header("x-number") == [b"%d" % self.number], (self, response)
        assert response.body == (b"" if self.is_empty else self.answer), (self, len(response.body))

    def assert_beginning(self, data: bytes) -> None:
        """These bytes are the beginning of the answer, if they are long enough to tell."""
        head, separator, _ = data.partition(b"\r\n\r\n")
        if separator and not head.startswith(b"HTTP/1.1 1") and self.expected != "error":
            assert b"x-number: %d\r\n" % self.number in head + b"\r\n", (self, head)


class _Returns(Exception):
    """The application is to return here."""


class Application:
    """Carries out the plan that its path names."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Future[Any]] = set()

    def spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan = Plan(int(scope["path"][1:]))
        assert scope["method"] == plan.method
        with contextlib.suppress(_Returns):
            await self.carry_out(plan, receive, send)

    async def carry_out(self, plan: Plan, receive: Receive, send: Send) -> None:
        has = plan.habits
        if has["give up"]:
            asyncio.ensure_future(receive()).cancel()
        if has["pause"]:
            await asyncio.sleep(0.001)
        if has["hint"]:
            await send({"type": "http.response.early_hint", "links": [b"<%d>" % plan.number]})
        if has["read"]:
            await self.read(plan, receive)
        if has["listen"]:
            self.spawn(self.listen(receive))
        await self.respond(plan, send)
        if has["late"]:
            self.spawn(self.late(send))
        if has["behind"]:
            await asyncio.sleep(0.001)
            assert (await receive())["type"] == "http.disconnect"
        if has["raise behind"]:
            raise RuntimeError("planned")

    async def read(self, plan: Plan, receive: Receive) -> None:
        """The body must be the right one, as far as it comes."""
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _Returns
            body += message["body"]
            assert plan.body.startswith(body), "not the body of this request"
            if not message["more_body"]:
                assert body == plan.body, "not the whole body"
                return

    async def respond(self, plan: Plan, send: Send) -> None:
        await self.meet_fate(plan, "before the head")
        fields = [(b"x-number", b"%d" % plan.number), (b"x-filler", b"f" * (plan.number % 3000))]
        if plan.with_length:
            fields.append((b"content-length", b"%d" % sum(plan.sizes)))
        await send(head(plan.status, (field for field in fields) if plan.habits["generator"] else fields))
        await self.meet_fate(plan, "behind the head")
        rest = plan.answer
        for number, size in enumerate(plan.sizes, 1):
            if number == len(plan.sizes):
                await self.meet_fate(plan, "within the body")
            await self.send_part(plan, send, part(rest[:size], more=number < len(plan.sizes)))
            rest = rest[size:]

    async def send_part(self, plan: Plan, send: Send, message: Message) -> None:
        if plan.habits["bytearray"]:
            data = bytearray(message["body"])
            sending = send({**message, "body": memoryview(data)})
            data[:] = bytes(len(data))
            await sending
        elif plan.habits["child"]:
            await asyncio.gather(send(message), asyncio.sleep(0))
        else:
            await send(message)
        if plan.habits["pause"]:
            await asyncio.sleep(0)

    async def meet_fate(self, plan: Plan, when: str) -> None:
        if plan.fate == "whole" or plan.when != when:
            return
        if plan.fate == "raises":
            raise RuntimeError("planned")
        if plan.fate == "cancelled":
            asyncio.current_task().cancel()  # type: ignore[union-attr]
            await asyncio.sleep(1)
        raise _Returns

    async def listen(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def late(self, send: Send) -> None:
        await asyncio.sleep(0.001)
        for message in (part(b"LATE", more=True), head(299), part(b"LATE")):
            with contextlib.suppress(RuntimeError, OSError):
                await send(message)


def converse(connect: Callable[..., Client], seed: int) -> int:
    """One connection with a random conversation; returns how many answers were judged."""
    chance = random.Random(seed)
    plans = [Plan(chance.randrange(10**6)) for _ in range(chance.choice([1, 1, 2, 3, 6]))]
    # An answer that ends with the connection is cut by a reset, which those before it would not survive.
    plans[1:] = [plan for plan in plans[1:] if not plan.old]
    data = b"".join(plan.data for plan in plans)
    with connect(receive_buffer_bytes=chance.choice([0, 0, 8192])) as client:
        if chance.random() < 0.3:
            _leave(client, data[: chance.randrange(len(data) + 1)], chance)
            return 0
        half_closes = chance.random() < 0.1
        sender = threading.Thread(target=_send, args=(client, data, chance, half_closes))
        sender.start()
        try:
            return _judge(client, plans)
        finally:
            client.socket.close() if client.ending != "open" else None
            sender.join()


def _send(client: Client, data: bytes, chance: random.Random, half_closes: bool) -> None:
    """In pieces of every size. The server may have closed the connection behind an error."""
    with contextlib.suppress(OSError):
        while data:
            size = chance.choice([1, 7, 100, 5000, 10**6])
            client.send(data[:size])
            data = data[size:]
        if half_closes:
            client.shutdown_write()


def _leave(client: Client, data: bytes, chance: random.Random) -> None:
    """Send that much, perhaps read a little, and go."""
    client.socket.settimeout(0.02)
    with contextlib.suppress(OSError):
        _send(client, data, chance, chance.random() < 0.2)
        for _ in range(chance.randrange(3)):
            client.receive()
    chance.choice([client.close, client.reset])()


def _judge(client: Client, plans: list[Plan]) -> int:
    """Read the answers to these requests, to the end of the connection or of the plans."""
    for judged, plan in enumerate(plans):
        response = _final_response(client, plan)
        if response is None:
            assert plan.expected == "cut", (plan, client.ending, client.buffer[:300])
            plan.assert_beginning(client.buffer)
            return judged
        plan.assert_answered(response)
        if response.closes or plan.expected == "cut":
            assert not client.read_to_end(), plan
            return judged + 1
    return len(plans)


def _final_response(client: Client, plan: Plan) -> Response | None:
    """None if the connection ended before it was whole."""
    try:
        response = client.response(plan.method)
        while response.status < 200:
            response = client.response(plan.method)
        return response
    except WireError:
        if client.ending == "open":
            raise
        return None
