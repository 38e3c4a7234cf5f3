"""How does one WebSocket become one coroutine? (ASGI 3.0, WebSocket specification 2.5)

Until it is accepted, its request is answered as any other, by the sink that it came with: 403, or whatever
the application says with the extension "websocket.http.response". Then messages pass by the session.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections import deque
from collections.abc import Coroutine
from sys import getsizeof
from typing import Any

from fastserve.asgi.result import await_result
from fastserve.reference.asgi import (
    SENDS_IN_A_ROW_MAX,
    ASGIDriver,
    Message,
    enter_request,
    ready,
    wake,
)  # fmt: skip
from fastserve.reference.logline import complain, escaped
from fastserve.reference.seam import (
    ClientDisconnected,
    MessageDriver,
    MessageSession,
    MessageStream,
    Request,
    Sink,
    stems_from_disconnect,
)  # fmt: skip

__all__ = ["WebSocketDriver"]

logger = logging.getLogger("fastserve.error")

# RFC 6455, 7.4.1
_NORMAL = 1000
_ABNORMAL = 1006
_INTERNAL_ERROR = 1011


class WebSocketDriver(MessageDriver):
    """Runs the WebSockets of an application, one task each, with what runs its requests.

    `limits` has the attributes `ws_max_queue` and `ws_queue_bytes_max`.
    """

    def __init__(self, driver: ASGIDriver, limits: Any) -> None:
        self.driver = driver
        self.limits = limits

    def open_messages(self, request: Request, sink: Sink, session: MessageSession) -> MessageStream:
        return WebSocketCycle(self, request, sink, session)


class State(enum.Enum):
    """What the application has said."""

    NOTHING = enum.auto()
    REFUSAL = enum.auto()  # the head of an answer, and not all of its body
    ACCEPTED = enum.auto()
    OVER = enum.auto()  # it has refused, or closed


class WebSocketCycle(MessageStream):
    """One WebSocket, in the application's hands."""

    def __init__(
        self, websockets: WebSocketDriver, request: Request, sink: Sink, session: MessageSession
    ) -> None:
        self._driver = websockets.driver
        self._limits = websockets.limits
        self.request = request
        self.sink = sink
        self.coroutine: Any = None
        self._session = session
        self._state = State.NOTHING
        self._accepted = False
        self._connect_received = False
        self._ended = False
        self._busy = False  # the application has not asked for more since the last message
        self._messages: deque[str | bytes] = deque()
        self._message_bytes = 0
        self._paused = False
        self._closed: tuple[int, str] | None = None  # code and reason, once that is known
        self._receivers: list[asyncio.Future[None]] = []
        self._sends_in_a_row = 0
        self._timer: asyncio.TimerHandle | None = None  # until the handshake is answered

    # ---- from the protocol ----

    def push_body(self, data: bytes) -> None:
        """A request that asks for a WebSocket has no body that means anything."""

    def end_body(self) -> None:
        pass

    def disconnect(self) -> None:
        self.push_close(_ABNORMAL, "")

    def push_message(self, data: str | bytes) -> None:
        if self._ended or self._closed is not None:
            return
        self._busy = True
        self._messages.append(data)
        self._message_bytes += getsizeof(data)
        if self._is_full() and not self._paused:
            self._paused = True
            self._session.pause()
        wake(self._receivers)

    def push_close(self, code: int, reason: str) -> None:
        if self._closed is None:
            self._closed = code, reason
            self._forget_timer()
        wake(self._receivers)

    def is_busy(self) -> bool:
        return self._busy

    def _is_full(self) -> bool:
        too_many: bool = len(self._messages) >= self._limits.ws_max_queue
        return too_many or self._message_bytes > self._limits.ws_queue_bytes_max

    def start(self) -> None:
        self.started = True
        self._driver.spawn(self)
        if self._limits.ws_answer_timeout_s > 0:
            self._timer = self._driver.loop.call_later(self._limits.ws_answer_timeout_s, self._expire)

    def _expire(self) -> None:
        """The application is held up, by a database that does not answer or the like. Its client hears 503,
        as from a proxy that has waited for long enough, and it that nobody waits any more."""
        if self._state is State.NOTHING:
            complain(self.request, "WebSocket handshake not answered in time")
            self._give_up(503)
            self.sink.disconnected = True
            self.push_close(_ABNORMAL, "")

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # ---- the application ----

    async def run(self) -> None:
        try:
            enter_request(self.request)
            scope = self._driver.websocket_scope(self.request, self._session.subprotocols)
            result = self._driver.app(scope, self.receive, self.send)
            self.coroutine = result if asyncio.iscoroutine(result) else await_result(result)
            self._settle(await self.coroutine)
        except BaseException as error:  # SystemExit too: an application does not end the server
            self._fail(error)

    def on_task_done(self) -> None:
        if not self._ended:  # it was cancelled before it began
            self._fail(asyncio.CancelledError())

    def waits_for(self) -> str | None:
        if self._receivers and self._closed is None:
            return "waits for a message"
        way = self._session if self._accepted else self.sink
        return None if way.finished or way.writable() else "waits for its client"

    def _is_finished(self) -> bool:
        """Closed, refused, or the client is gone."""
        return self._session.finished if self._accepted else self.sink.finished

    def _settle(self, result: object) -> None:
        """The application has returned."""
        if not self._is_finished():
            if result is not None:
                complain(self.request, "ASGI callable should return None, but returned %r", result)
            elif self._state is State.NOTHING:
                complain(self.request, "ASGI callable returned without sending handshake.")
            elif not self._accepted:
                complain(self.request, "ASGI callable returned without completing response")
            if self._accepted:
                self._session.close(_NORMAL if result is None else _INTERNAL_ERROR, "")
            else:
                self._give_up(500)
        self._end()

    def _fail(self, error: BaseException) -> None:
        """The application has raised."""
        cancelled = isinstance(error, asyncio.CancelledError)
        try:
            if cancelled:
                if not self._is_finished():
                    complain(self.request, "ASGI application was cancelled before its answer was complete")
            elif not (self._is_gone() and stems_from_disconnect(error)):
                complain(self.request, "Exception in ASGI application", exc_info=error)
        finally:
            self._give_up(503 if cancelled else 500)
            self._end()

    def _give_up(self, status: int) -> None:
        if self._accepted:
            if not self._session.finished:
                self._session.close(_INTERNAL_ERROR, "")
        elif not self.sink.finished:
            if not self.sink.head_sent():
                self._log(status)
            self.sink.fail(status)

    def _end(self) -> None:
        self._ended = True
        self.coroutine = None
        self._forget_timer()
        self._messages.clear()
        wake(self._receivers)

    def _is_gone(self) -> bool:
        return self._session.disconnected if self._accepted else self.sink.disconnected

    # ---- what it receives ----

    async def receive(self) -> Message:
        """ASGI's receive."""
        while True:
            if not self._connect_received:
                self._connect_received = True
                return {"type": "websocket.connect"}
            if self._messages:
                return self._take_message()
            self._busy = False
            if self._session.ending:
                self._session.end_now()
            if self._closed is not None:
                code, reason = self._closed
                return {"type": "websocket.disconnect", "code": code, "reason": reason}
            if self._ended or (not self._accepted and self._state is State.OVER):
                return {"type": "websocket.disconnect", "code": _ABNORMAL, "reason": ""}
            waiter = self._driver.loop.create_future()
            self._receivers.append(waiter)
            await waiter

    def _take_message(self) -> Message:
        data = self._messages.popleft()
        self._message_bytes -= getsizeof(data)
        if self._paused and not self._is_full():
            self._paused = False
            self._session.resume()
        return {"type": "websocket.receive", "text" if isinstance(data, str) else "bytes": data}

    # ---- what it sends ----

    def send(self, message: Message) -> Coroutine[Any, Any, None]:
        """ASGI's send. It acts at once; what it returns waits for a client that is slow."""
        kind = message["type"]
        if self._is_gone():
            raise ClientDisconnected("the client disconnected")
        if self._state is State.OVER:
            raise RuntimeError(
                f"Unexpected ASGI message {kind!r}, after sending 'websocket.close' "
                "or response already completed."
            )
        if self._state is State.ACCEPTED:
            return self._send_accepted(kind, message)
        if self._state is State.REFUSAL:
            if kind != "websocket.http.response.body":
                raise RuntimeError(f"Expected ASGI message 'websocket.http.response.body' but got {kind!r}.")
            return self._send_part(message.get("body", b""), message.get("more_body", False))
        if kind == "websocket.accept":
            return self._accept(message)
        if kind == "websocket.close":
            self._refuse(403, [(b"content-type", b"text/plain; charset=utf-8")])
            return self._send_part(b"", False)
        if kind == "websocket.http.response.start":
            self._refuse(message["status"], message.get("headers", ()))
            return ready()
        raise RuntimeError(
            "Expected ASGI message 'websocket.accept', 'websocket.close', "
            f"or 'websocket.http.response.start' but got {kind!r}."
        )

    def _accept(self, message: Message) -> Coroutine[Any, Any, None]:
        self._session.accept(message.get("subprotocol"), message.get("headers") or ())
        self._accepted = True
        self._forget_timer()
        self._state = State.ACCEPTED
        self._log("[accepted]")
        logger.info("connection open")
        return ready()

    def _send_accepted(self, kind: str, message: Message) -> Coroutine[Any, Any, None]:
        if kind == "websocket.send":
            data = message.get("bytes")
            self._session.send_message(message["text"] if data is None else data)
            return self._wait_for_client()
        if kind == "websocket.close":
            self._session.close(message.get("code") or _NORMAL, message.get("reason") or "")
            self._state = State.OVER
            return ready()
        raise RuntimeError(f"Expected ASGI message 'websocket.send' or 'websocket.close', but got {kind!r}.")

    def _refuse(self, status: int, headers: Any) -> None:
        self.sink.send_head(status, headers)
        self._forget_timer()
        self._state = State.REFUSAL
        self._log(status)

    def _send_part(self, body: Any, more: bool) -> Coroutine[Any, Any, None]:
        """Of the answer to a request that is not accepted."""
        self.sink.send_data(body, more)
        if more:
            return self._wait_for_client()
        self._state = State.OVER
        wake(self._receivers)  # who waits hears websocket.disconnect
        return ready()

    async def _wait_for_client(self) -> None:
        self._sends_in_a_row += 1
        if self._sends_in_a_row >= SENDS_IN_A_ROW_MAX:
            self._sends_in_a_row = 0
            await asyncio.sleep(0)
        way = self._session if self._accepted else self.sink
        while not way.writable():
            await way.wait_writable()
        if way.disconnected:
            raise ClientDisconnected("the client disconnected")

    def _log(self, outcome: object) -> None:
        """uvicorn's line about a handshake: what became of it, or the status of the answer."""
        request = self.request
        query = b"?" + request.query_string if request.query_string else b""
        target = escaped(request.raw_path + query)
        client = f"{request.client[0]}:{request.client[1]}" if request.client else ""
        logger.info('%s - "WebSocket %s" %s', client, target, outcome)
