"""Does any order of what clients, applications and deadlines do bring a connection into disorder?

A `Storm` opens a few connections to one core, in memory, and lets chance choose the next step: a client
sends a piece, takes some bytes, stops taking, shuts its side or resets; an application receives, sends,
sleeps, waits, fails, gives up waiting, leaves tasks behind; the event loop turns; the server drains or
cancels. At the end all that was held back happens, and the storm looks at what must hold whatever the
order was:

- the bytes that a client got are answers in the order of its requests, each of them what its application
  sent, or the server's own error, or cut off where the connection broke; and nothing stands behind the last
  one;
- an application got the body of its request, the beginning of it, or nothing;
- a connection that is still open answers another request: nobody was forgotten;
- one whose client has shut its side ends; every application ends; the server then holds nothing and waits
  for nobody; each request is in the access log, once;
- the transport was used as asyncio allows, no exception reached the event loop, no error but an
  application's was logged.

Everything comes from one random generator, so a seed and the same code give the same storm, but for
deadlines.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from typing import Any

from fastserve.core import CORES

from .app import Receive, Scope, Send
from .memory import Core, start_core
from .servers import Option
from .storm_actor import PATTERN, Actor, Asked, Gate, Step
from .storm_client import Answer, Client, StormTransport, answers_of

CALM_TURNS = 40
"""Turns without a change after which nothing more will come by itself."""
PATIENCE_S = 5.0

PROFILES: dict[str, dict[str, Option]] = {
    # 0: none. Nothing may then end but for a reason that the storm knows.
    "patient": {
        "timeout-keep-alive": 600, "head-timeout-s": 0, "body-timeout-s": 0, "write-timeout-s": 0,
        "half-close-timeout-s": 0.02, "linger-timeout-s": 0.02,
    },
    "narrow": {
        "timeout-keep-alive": 600, "head-timeout-s": 0, "body-timeout-s": 0, "write-timeout-s": 0,
        "half-close-timeout-s": 0.02, "linger-timeout-s": 0, "write-buffer-bytes-max": 300,
        "read-buffer-bytes-max": 100, "discard-bytes-max": 200, "pipelined-requests-max": 2,
        "body-bytes-max": 30000,
    },
    "hasty": {
        "timeout-keep-alive": 0.03, "head-timeout-s": 0.03, "body-timeout-s": 0.03, "write-timeout-s": 0.03,
        "half-close-timeout-s": 0.03, "linger-timeout-s": 0.03, "write-buffer-bytes-max": 1000,
        "read-buffer-bytes-max": 1000,
    },
}  # fmt: skip


class Storm:
    """One run, on a running event loop."""

    def __init__(self, http: str, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.profile = self.rng.choice(list(PROFILES))
        self.gate = Gate()
        self.trace: list[str] = []
        self._http = http
        self._asked: list[Asked] = []
        self._clients: list[Client] = []
        self._disturbed = False
        """The server was told to drain or to cancel."""
        self._errors: list[str] = []
        self._core: Core

    async def run(self) -> None:
        """Raises AssertionError, with the seed and the steps."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: self._errors.append(repr(context)))
        handler = _Records(self._errors)
        logger = logging.getLogger("fastserve.error")
        logger.addHandler(handler)
        propagates, logger.propagate = logger.propagate, False
        try:
            await self._run(loop)
        except Exception as error:
            story = "\n  ".join([" ".join(self.trace), *map(str, self._clients)])
            raise AssertionError(f"seed {self.seed}, profile {self.profile}: {error!r}\n  {story}") from error
        finally:
            logger.removeHandler(handler)
            logger.propagate = propagates
            loop.set_exception_handler(None)

    async def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with tempfile.TemporaryFile() as file:
            log = CORES[self._http].part("AccessLog")(loop, file.fileno())
            await self._rage(loop, log)
            log.close()
            file.seek(0)
            self._judge_log(file.read().decode())
        assert not self._errors, self._errors

    async def _rage(self, loop: asyncio.AbstractEventLoop, log: Any) -> None:
        self._core = start_core(self._http, loop, self._application, PROFILES[self.profile], [log])
        for _ in range(self.rng.randint(1, 4)):
            self._connect(loop)
        actions = self._actions()
        weights = [weight for _, weight in actions]
        for _ in range(self.rng.choice([5, 30, 100, 300])):
            (action,) = self.rng.choices([action for action, _ in actions], weights)
            self.trace.append(action.__name__)
            result = action()
            if result is not None:
                await result
        await self._calm_down()
        for client in self._clients:
            self._judge(client)
        await self._end()

    @property
    def _discard_bytes_max(self) -> int:
        return int(PROFILES[self.profile].get("discard-bytes-max", 1 << 30))

    # what may happen

    def _actions(self) -> list[tuple[Callable[[], Any], float]]:
        rng, pick = self.rng, self._pick
        sizes = [1, 2, 7, 50, 1000, 20000, 100000]

        async def turn() -> None:
            await asyncio.sleep(0)

        async def rest() -> None:
            await asyncio.sleep(rng.choice([0.001, 0.01, 0.04] if self.profile == "hasty" else [0.001]))

        def send() -> None:
            pick().send(rng.choice(sizes))

        def deliver() -> None:
            pick().transport.deliver(rng.choice(sizes))

        def take() -> None:
            pick().transport.take(rng.choice(sizes))

        def take_all() -> None:
            pick().transport.take()

        def let() -> None:
            self.gate.let(rng)

        def shut() -> None:
            pick().transport.shut_down = True

        def reset() -> None:
            pick().transport.reset()

        def drain() -> None:
            self._disturbed = True
            self._core.endpoint.drain()

        def cancel() -> None:
            self._disturbed = True
            self._core.endpoint.cancel_requests()

        return [
            (turn, 10), (rest, 0.3), (send, 6), (deliver, 8), (take, 3), (take_all, 1), (let, 2), (shut, 0.1),
            (reset, 0.1), (drain, 0.02), (cancel, 0.04),
        ]  # fmt: skip

    def _pick(self) -> Client:
        return self.rng.choice(self._clients)

    def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        transport = StormTransport(loop)
        asked = [self._request() for _ in range(self.rng.choice([1, 1, 2, 3, 8]))]
        tail = self.rng.choice([b""] * 8 + [b"\r\n", b"GET / HTTP/1.1\r\nHo", b"\0", b"G\r\n\r\n"])
        self._clients.append(Client(transport, asked, tail))
        transport.set_protocol(self._core.factory())
        transport.get_protocol().connection_made(transport)

    def _request(self) -> Asked:
        rng = self.rng
        number = len(self._asked)
        method = rng.choice(["GET", "GET", "HEAD", "POST", "POST"])
        is_1_0 = rng.random() < 0.1
        size = rng.choice([1, 10, 99, 150, 5000, 40000]) if method == "POST" else 0
        body = PATTERN[number % 256 : number % 256 + size]
        keeps_alive = rng.random() < (0.5 if is_1_0 else 0.93)
        lines = [f"{method} /{number} HTTP/1.{0 if is_1_0 else 1}", "Host: a"]
        if is_1_0 == keeps_alive:
            lines.append("Connection: " + ("keep-alive" if keeps_alive else "close"))
        framed, refused, broken = body, False, False
        if method == "POST":
            expects = rng.random()
            if expects < 0.2:
                lines.append("Expect: 100-continue")
            elif expects < 0.23 and not is_1_0:
                lines.append("Expect: wonders")
                refused = True
            too_large = 0 < int(PROFILES[self.profile].get("body-bytes-max", 0)) < size
            if is_1_0 or rng.random() < 0.5:
                lines.append(f"Content-Length: {size}")
                refused = refused or too_large
            else:
                lines.append("Transfer-Encoding: chunked")
                framed, broken = self._chunked(body)
                broken = broken or too_large
        head = "\r\n".join(lines) + "\r\n\r\n"
        asked = Asked(
            number, method, body, keeps_alive, head.encode() + framed, self._steps(), is_1_0, refused, broken
        )
        self._asked.append(asked)
        return asked

    def _chunked(self, body: bytes) -> tuple[bytes, bool]:
        """The body in chunks, and whether what stands behind them is none."""
        out, at = bytearray(), 0
        while at < len(body):
            size = self.rng.choice([1, 3, 500, 30000])
            chunk = body[at : at + size]
            out += b"%x%s\r\n" % (len(chunk), self.rng.choice([b"", b";a=b"])) + chunk + b"\r\n"
            at += size
        if self.rng.random() < 0.05:
            return bytes(out) + b"x\r\n", True
        return bytes(out) + b"0\r\n" + self.rng.choice([b"", b"T: t\r\n"]) + b"\r\n", False

    def _steps(self) -> list[Step]:
        rng = self.rng
        steps: list[Step] = []
        for _ in range(rng.choice([0, 0, 1, 2])):
            steps.append(self._idling())
        steps += rng.choice([[], [("read",)], [("receive",)], [("receive",), ("glance",)], [("glance",)]])
        if rng.random() < 0.1:
            steps.append(("hint",))
        sizes = [rng.choice([0, 1, 100, 2000, 17000, 70000]) for _ in range(rng.choice([1, 1, 1, 2, 5]))]
        length = sum(sizes) + rng.choice([0] * 9 + [-1, 1]) if rng.random() < 0.5 else None
        status = rng.choice([200] * 8 + [204, 304, 404])
        answer: list[Step] = [
            ("start", status, length if length is None else max(0, length), rng.random() < 0.2)
        ]
        for size in sizes[:-1]:
            answer.append(("body", size, True) if rng.random() < 0.9 else ("impatient_body", size))
        answer.append(("body", sizes[-1], False))
        for step in answer:
            if rng.random() < 0.2:
                steps.append(self._idling())
            steps.append(step)
        steps += rng.choice([[]] * 6 + [[("hear_the_end",)], [("receive",)], [("wait",)], [("sleep", 0.01)]])
        return self._twisted(steps)

    def _idling(self) -> Step:
        rng = self.rng
        return rng.choice([("pause", rng.randint(1, 5)), ("wait",), ("glance",), ("sleep", 0.001)])

    def _twisted(self, steps: list[Step]) -> list[Step]:
        """Most applications behave."""
        rng = self.rng
        chance = rng.random()
        at = rng.randint(0, len(steps))
        if chance < 0.04:
            return [*steps[:at], ("fail",), *steps[at:]]
        if chance < 0.08:
            return steps[:at]
        if chance < 0.11:
            return [("try_all", rng.sample(steps, len(steps)))]
        if chance < 0.15:
            return [*steps[:at], ("child", steps[at:]), *rng.choice([[], [("pause", 3)], [("wait",)]])]
        if chance < 0.19:
            watcher = [("child", [("hear_the_end",)]), ("pause", 1)]
            return [*watcher, *steps, *rng.choice([[], [("cancel_children",)]])]
        if chance < 0.21:
            return [*steps[:at], ("cancel_itself",), *steps[at:]]
        return steps

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/probe":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
            await send({"type": "http.response.body", "body": b"probe"})
            return
        asked = self._asked[int(scope["path"][1:])]
        asked.calls += 1
        await Actor(self.gate, asked, receive, send).perform(asked.steps)

    # how it ends

    async def _calm_down(self) -> None:
        """All that was held back happens."""
        self.gate.let_all()
        for client in self._clients:
            client.send(1 << 30)
        await self._until_calm()
        if self.profile != "hasty":
            await asyncio.sleep(0.03)  # lingering, and half-closed clients, have had their time
            await self._until_calm()

    async def _until_calm(self) -> None:
        calm, before = 0, -1
        while calm < CALM_TURNS:
            for client in self._clients:
                client.transport.deliver(1 << 16)
                client.transport.take()
            await asyncio.sleep(0.0015 if calm % 10 == 9 else 0)
            now = self._changes()
            calm, before = (calm + 1, now) if now == before else (0, now)

    def _changes(self) -> int:
        return sum(client.transport.changes for client in self._clients)

    def _judge(self, client: Client) -> None:
        transport = client.transport
        assert not transport.faults, transport.faults
        reset = transport.broken or transport.will_reset or transport.aborted
        ended = transport.lost and not reset
        answers = answers_of(transport.got, client.asked, ended)
        for asked, answer in zip(client.asked, answers, strict=False):
            self._judge_answer(asked, answer)
        for answer in answers[len(client.asked) :]:
            is_refusal = answer.status in (400, 408) and answer.closes
            assert client.tail.strip() and is_refusal, "more answers than requests"
        for asked in client.asked:
            assert asked.calls <= 1
            assert not (asked.calls and asked.refused), "the application saw what is to be refused"
            assert not (asked.whole and asked.broken), "a broken body looks whole"
            assert asked.body.startswith(asked.received), "the body of another"
            assert not asked.whole or len(asked.received) == len(asked.body), (
                "a part of the body for the whole"
            )
        if not reset and not self._disturbed and self.profile != "hasty":
            self._judge_count(client, answers)

    def _judge_answer(self, asked: Asked, answer: Answer) -> None:
        where = f"answer to {asked.number}"
        if answer.number is None:
            assert answer.status >= 400 and answer.status != 404, where
            assert not asked.answered, f"{where}: {answer.status} instead of the application's"
            return
        assert (answer.number, answer.status) == (asked.number, asked.status), where
        assert bytes(asked.sent).startswith(answer.body), f"{where}: the body of another"
        if answer.whole and asked.method != "HEAD" and answer.status not in (204, 304):
            assert len(answer.body) == len(asked.sent), f"{where} looks whole, and is a part"
            assert asked.answered or answer.by_length, f"{where} looks whole, and is not"

    def _judge_count(self, client: Client, answers: list[Answer]) -> None:
        """Every request is answered, up to one that ends the connection, or has not come to an end."""
        last = answers[-1] if answers else None
        if last is not None and (last.closes or not last.whole):
            return
        if last is not None and not client.asked[len(answers) - 1].answered:
            return  # it has its length, but its application failed
        if last is not None and len(client.asked[len(answers) - 1].body) > self._discard_bytes_max:
            return  # perhaps it was answered before its body was there
        ended = client.transport.lost
        if len(answers) == len(client.asked):
            assert not ended or client.transport.heard_eof, "closed without a reason"
            return
        unanswered = client.asked[len(answers)]
        if client.transport.shut_down:
            return  # perhaps before its last byte
        assert not ended, f"closed after {len(answers)} answers, without a reason"
        assert unanswered.running, f"no answer to {unanswered.number}"

    def _judge_log(self, text: str) -> None:
        lines = Counter(int(number) for number in re.findall(r'"[A-Z]+ /([0-9]+) HTTP/', text))
        for asked in self._asked:
            told = lines[asked.number]
            assert told == 1 if asked.calls else told <= 1, f"{told} lines in the log for {asked.number}"

    async def _end(self) -> None:
        for client in self._clients:
            await self._probe(client)
        for client in self._clients:
            client.transport.shut_down = True
        await self._until_calm()
        before = -1
        # Each of the requests that wait in a row for their client's end has a deadline of its own.
        while before != self._changes() and not all(client.transport.lost for client in self._clients):
            before = self._changes()
            await asyncio.sleep(0.15)  # every deadline
            await self._until_calm()
        for client in self._clients:
            if not client.transport.lost:
                # An application that waits for the end does not hear of it behind waiting requests.
                assert not client.transport.heard_eof, "a connection that does not end"
                assert any(asked.running for asked in client.asked), "nobody reads, for nobody"
                client.transport.reset()
        await asyncio.wait_for(self._core.endpoint.wait_closed(), PATIENCE_S)
        assert self._core.endpoint.requests_in_flight == 0
        for _ in range(CALM_TURNS):
            await asyncio.sleep(0)
        running = [asked.number for asked in self._asked if asked.running]
        assert not running, f"applications of {running} do not end"
        self._core.stop()

    async def _probe(self, client: Client) -> None:
        """Ask once more, where nothing stands against it."""
        transport = client.transport
        if transport.is_closing() or transport.shut_down or transport.eof_sent or client.tail.strip():
            return
        if not all(asked.answered for asked in client.asked):
            return
        before = len(transport.got)
        transport.inbox += b"GET /probe HTTP/1.1\r\nHost: a\r\n\r\n"
        transport.changes += 1
        await self._until_calm()
        if self.profile == "hasty" and transport.is_closing():
            return
        assert b"probe" in transport.got[before:], "nobody answers any more"


class _Records(logging.Handler):
    """Errors that are not an application's own."""

    EXPECTED = (
        "Exception in ASGI application", "ASGI callable returned", "ASGI application was cancelled",
        "Invalid HTTP request received",
    )  # fmt: skip

    def __init__(self, errors: list[str]) -> None:
        super().__init__()
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if not message.startswith(self.EXPECTED):
            self._errors.append(message + (f": {record.exc_info[1]!r}" if record.exc_info else ""))
