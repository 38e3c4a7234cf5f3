"""Does a whole connection keep its word, whatever bytes it is fed?

Invariants, on any bytes, under the default limits and under narrow ones:

- nothing crashes: no exception reaches the event loop, no error is logged but an application's, the
  transport is used as asyncio allows, and a client that has shut its side sees the connection end;
- fed whole, byte by byte, or in any cuts, the bytes bring about the same answers, the same requests as the
  application sees them, and the same end;
- a head that is refused never reaches the application: each answer is either the server's own refusal,
  which is the last one and says that it closes, or that of the one request that the application saw in its
  place;
- answers frame: what the client gets is a sequence of well-formed answers, the last one cut off only where
  the application failed within it or the body broke meanwhile, and nothing stands behind one that says that
  it closes;
- nothing is left: no connection, no request in flight.

The connection is driven in memory (memory.py): `Fuzzed(loop, profile).check(data, chance)` raises
AssertionError. The application does what the path says. Under `/early` and its like it answers before it
has read: then what stands behind the answer may depend on the cuts, and only the other invariants are
held.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .app import Receive, Scope, Send
from .client import Response, WireError, parse_response
from .exchange import cut
from .memory import MemoryTransport, start_core
from .servers import Option

PROFILES: dict[str, dict[str, Option]] = {
    "default": {"linger-timeout-s": 0, "timeout-keep-alive": 600},
    "narrow": {
        "linger-timeout-s": 0, "timeout-keep-alive": 600, "request-line-bytes-max": 60,
        "header-bytes-max": 200,
        "header-count-max": 5,
        "chunk-extension-bytes-max": 8, "body-bytes-max": 60, "discard-bytes-max": 20,
        "pipelined-requests-max": 2, "write-buffer-bytes-max": 100, "read-buffer-bytes-max": 10,
    },
}  # fmt: skip

#: Turns of the event loop after which a client that has shut its side must have seen the end.
TURNS_MAX = 5000
BYTEWISE_MAX = 400
_DATE = re.compile(rb"\r\ndate: [^\r\n]*")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass
class Request:
    """One that the application saw."""

    method: str
    path: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    whole: bool = False


@dataclass
class Outcome:
    raw: bytes
    """All that the server sent, but for dates and 100 (Continue), which it may spare itself."""
    requests: list[Request] = field(default_factory=list)
    aborted: bool = False

    @property
    def is_early(self) -> bool:
        """An application answered or failed before it had read."""
        return any(action_of(request) is not _echo for request in self.requests)

    @property
    def kind(self) -> tuple[object, ...]:
        """What happened, roughly: an input that brings about something new is worth bending further."""
        statuses = tuple(re.findall(rb"HTTP/1.1 ([0-9]{3}) ", self.raw)[:4])
        return statuses, tuple((request.method, action_of(request).__name__) for request in self.requests[:3])

    def comparable(self) -> tuple[object, ...]:
        # How much of a body that breaks the application gets before it hears of that depends on the cuts.
        return self.raw, [request for request in self.requests if request.whole], self.aborted


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, or asyncio's own where that is not installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class Fuzzed:
    """A core under these limits, on an event loop that does not run yet."""

    def __init__(self, loop: asyncio.AbstractEventLoop, profile: str, http: str = "cython") -> None:
        self._loop = loop
        self._requests: list[Request] = []
        self._errors: list[str] = []
        self._core = start_core(http, loop, self._application, PROFILES[profile])
        loop.set_exception_handler(lambda _, context: self._errors.append(repr(context)))

    def close(self) -> None:
        self._core.stop()
        self._loop.set_exception_handler(None)

    def check(self, data: bytes, chance: random.Random) -> Outcome:
        """Hold all invariants for these bytes. Raises AssertionError with what broke them."""
        with _logged(self._errors):
            return self._loop.run_until_complete(self._check(data, chance))

    async def _check(self, data: bytes, chance: random.Random) -> Outcome:
        whole = await self._converse([data] if data else [])
        responses = self._judge(whole)
        ways = [
            cut(data, *chance.sample(range(1, len(data)), min(3, len(data) - 1))) for _ in range(2) if data
        ]
        if len(data) <= BYTEWISE_MAX:
            ways.append([data[i : i + 1] for i in range(len(data))])
        for pieces in ways:
            outcome = await self._converse(pieces)
            self._judge(outcome)
            if not whole.is_early and not outcome.is_early:
                assert outcome.comparable() == whole.comparable(), (
                    f"it depends on the cuts {[len(piece) for piece in pieces][:20]}\n"
                    f"whole: {whole.comparable()}\n  cut: {outcome.comparable()}"
                )
        assert responses is not None
        return whole

    async def _converse(self, pieces: list[bytes]) -> Outcome:
        self._requests = []
        transport = MemoryTransport(self._loop)
        transport.set_protocol(self._core.factory())
        transport.get_protocol().connection_made(transport)
        for piece in pieces:
            await self._until(transport, lambda: transport.open_to_read, "the server does not read on")
            if transport.is_closing():
                break
            transport.feed(piece)
            await asyncio.sleep(0)
        await self._until(transport, lambda: transport.open_to_read, "the server does not read on")
        if not transport.is_closing():
            transport.shut()
        await self._until(transport, lambda: False, "the connection does not end")
        await self._core.endpoint.wait_closed()
        errors, self._errors[:] = self._errors[:], []
        assert not transport.faults, transport.faults
        assert not errors, errors
        assert self._core.endpoint.connections == 0 == self._core.endpoint.requests_in_flight
        raw = _DATE.sub(b"", bytes(transport.sent)).replace(_CONTINUE, b"")
        return Outcome(raw, self._requests, transport.aborted)

    async def _until(self, transport: MemoryTransport, condition: Any, otherwise: str) -> None:
        for _ in range(TURNS_MAX):
            if transport.lost or condition():
                return
            await asyncio.sleep(0)
        raise AssertionError(otherwise)

    def _judge(self, outcome: Outcome) -> list[Response]:
        """The answers frame, and each is whose it is."""
        responses: list[Response] = []
        rest = outcome.raw
        while rest:
            answered = len(responses)
            request = outcome.requests[answered] if answered < len(outcome.requests) else None
            method = request.method if request is not None else "GET"
            try:
                response = parse_response(rest, method, eof=True)
                if response is None and request is None:  # the refused one may have been HEAD
                    response = parse_response(rest, "HEAD", eof=True)
            except WireError as error:
                raise AssertionError(f"no answer: {error}\n{outcome}") from None
            if response is None:
                assert request is not None and may_be_cut_off(request), f"cut off: {outcome}"
                break
            rest = rest[len(response.raw) :]
            if response.status < 200:
                continue
            responses.append(response)
            self._judge_answer(response, request, answered)
            assert not (response.closes and rest), f"an answer behind the last one: {outcome}"
        return responses

    def _judge_answer(self, response: Response, request: Request | None, number: int) -> None:
        numbers = response.header("x-number")
        if numbers:
            assert request is not None and numbers == [b"%d" % number], f"the answer to another: {numbers}"
            return
        assert response.status >= 400 and response.closes, f"whose answer is this? {response}"
        failed = request is not None and action_of(request) is _fail
        assert failed or request is None or not request.whole, f"refused, and yet seen: {response}, {request}"

    # the application

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await receive()
            await send({"type": "websocket.close"})
            return
        request = Request(scope["method"], scope["raw_path"], scope["headers"])
        number = len(self._requests)
        self._requests.append(request)
        with contextlib.suppress(OSError):  # the client, or a body that broke
            await action_of(request)(request, number, receive, send)


def action_of(request: Request) -> Any:
    return _ACTIONS.get(request.path, _echo)


def may_be_cut_off(request: Request) -> bool:
    """The application fails within its answer; or it had begun to answer before the body broke."""
    action = action_of(request)
    return action is _break_off or (action is not _echo and not request.whole)


async def _read(request: Request, receive: Receive) -> None:
    while not request.whole:
        message = await receive()
        if message["type"] != "http.request":
            raise OSError
        request.body += message["body"]
        request.whole = not message["more_body"]


async def _start(send: Send, number: int, status: int = 200, *fields: tuple[bytes, bytes]) -> None:
    headers = [(b"x-number", b"%d" % number), *fields]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _body(send: Send, data: bytes, more: bool = False) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def _echo(request: Request, number: int, receive: Receive, send: Send) -> None:
    await _read(request, receive)
    await _start(send, number)
    await _body(send, request.body)


async def _echo_in_parts(request: Request, number: int, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0)
    await _start(send, number)
    with contextlib.suppress(OSError):
        await _read(request, receive)
    await _body(send, b"begin", True)
    await asyncio.sleep(0)
    await _body(send, request.body)


async def _answer_early(request: Request, number: int, receive: Receive, send: Send) -> None:
    await _start(send, number)
    await _body(send, b"early")


async def _answer_with_length(request: Request, number: int, receive: Receive, send: Send) -> None:
    await _start(send, number, 404, (b"content-length", b"6"))
    await _body(send, b"len", True)
    await asyncio.sleep(0)
    await _body(send, b"gth")


async def _answer_nothing(request: Request, number: int, receive: Receive, send: Send) -> None:
    await _start(send, number, 204)
    await _body(send, b"nothing")


async def _hint(request: Request, number: int, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.early_hint", "links": [b"</a>"]})
    await _echo(request, number, receive, send)


async def _fail(request: Request, number: int, receive: Receive, send: Send) -> None:
    await _read(request, receive)
    raise RuntimeError("planned")


async def _break_off(request: Request, number: int, receive: Receive, send: Send) -> None:
    await _start(send, number)
    await _body(send, b"begun", True)
    raise RuntimeError("planned")


_ACTIONS: dict[bytes, Any] = {
    b"/part": _echo_in_parts,
    b"/early": _answer_early,
    b"/length": _answer_with_length,
    b"/none": _answer_nothing,
    b"/hint": _hint,
    b"/fail": _fail,
    b"/cut": _break_off,
}

#: What may be logged: a refusal, and the application's planned failures.
_EXPECTED = ("Invalid HTTP request received", "Exception in ASGI application")


@contextlib.contextmanager
def _logged(errors: list[str]) -> Iterator[None]:
    """Everything else that is logged meanwhile is an error."""

    def judge(record: logging.LogRecord) -> bool:
        planned = record.exc_info is None or str(record.exc_info[1]) == "planned"
        if not (record.getMessage().startswith(_EXPECTED) and planned):
            errors.append(f"{record.getMessage()} {record.exc_info}")
        return False

    logger = logging.getLogger("fastserve.error")
    logger.addFilter(judge)
    try:
        yield
    finally:
        logger.removeFilter(judge)
