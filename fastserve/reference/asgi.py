"""How does one request become one coroutine? (ASGI 3.0, HTTP & WebSocket specification 2.5)

A `Cycle` is a request in the hands of an application: the scope that it is called with, what it receives and
sends, and the task that runs it.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import os
import stat
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import IO, Any, Protocol

from fastserve.asgi.result import await_result
from fastserve.reference.logline import complain
from fastserve.reference.seam import (
    ClientDisconnected,
    Driver,
    Request,
    Sink,
    Stream,
    stems_from_disconnect,
)  # fmt: skip
from fastserve.reference.steps import Stage, Step, Watch, in_steps
from fastserve.request_context import REQUEST_ID

__all__ = ["SENDS_IN_A_ROW_MAX", "ASGIDriver", "Message", "enter_request", "ready", "wake"]

# An application that sends in a loop and never meets a slow client would keep the event loop to itself.
SENDS_IN_A_ROW_MAX = 64

FILE_BLOCK_BYTES = 65536

Message = dict[str, Any]
Receive = Callable[[], Coroutine[Any, Any, Message]]
Send = Callable[[Message], Coroutine[Any, Any, None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class Work(Protocol):
    """A request in the hands of an application, as its driver sees it."""

    request: Request
    sink: Sink
    coroutine: Any  # the application's, while it runs

    def run(self) -> Coroutine[Any, Any, None]: ...

    def on_task_done(self) -> None: ...

    def waits_for(self) -> str | None:
        """What of ours the application waits for: "waits for its body" or the like; None: for nothing."""


class ASGIDriver(Driver):
    """Runs an ASGI 3 application, one task a request, each in a copy of `context`.

    `state` is what the lifespan left; each scope gets a shallow copy. `root_path` is where the application is
    mounted, and `root_path_stripped` says that the proxy took it off the paths that come here. The client is
    stopped while more than `read_buffer_bytes_max` bytes of a body wait for the application. `pathsend` lets
    applications send files by their paths.
    """

    def __init__(
        self,
        app: Application,
        loop: asyncio.AbstractEventLoop,
        context: contextvars.Context,
        state: dict[str, Any] | None = None,
        root_path: str = "",
        read_buffer_bytes_max: int = 65536,
        root_path_stripped: bool = True,
        pathsend: bool = False,
    ) -> None:
        self.app = app
        self.pathsend = pathsend
        self.loop = loop
        self.context = context
        self.state = state if state is not None else {}
        self.root_path = root_path
        self.read_buffer_bytes_max = read_buffer_bytes_max
        self.prefix = root_path if root_path_stripped else ""
        #: Sinks are told where the time goes.
        self.timed = False
        self._stage = Stage()
        self.tasks: dict[asyncio.Task[None], Work] = {}
        self._idle_waiters: list[asyncio.Future[None]] = []

    def open(self, request: Request, sink: Sink) -> Cycle:
        return Cycle(self, request, sink)

    def in_flight(self) -> int:
        return len(self.tasks)

    def cancel_all(self) -> int:
        for task in list(self.tasks):
            task.cancel()
        return len(self.tasks)

    def when_idle(self) -> asyncio.Future[None]:
        waiter = self.loop.create_future()
        if self.tasks:
            self._idle_waiters.append(waiter)
        else:
            waiter.set_result(None)
        return waiter

    def close(self) -> None:
        """It holds nothing."""

    def set_watch(self, watch: Watch | None) -> None:
        """From now on this one hears of every step of the application; None: nobody does."""
        self._stage.watch = watch

    def stepping(self) -> Request | None:
        """The request whose application runs now, as another thread sees it; None if there is none."""
        return self._stage.request

    def working(self) -> list[tuple[Request, float, str, Any]]:
        """What the requests in hand are doing, as any thread may ask: of each the request, when it began (0:
        the endpoint is not timed), what it does, and the application's coroutine."""
        running = asyncio.current_task(self.loop)
        return [
            (
                work.request,
                work.sink.began_s,
                "runs" if task is running else work.waits_for() or "suspended",
                work.coroutine,
            )
            for task, work in list(self.tasks.items())
        ]

    def spawn(self, work: Work) -> None:
        """Have it run as a task in a context of its own."""
        if self.timed or self._stage.watch is not None:
            coroutine = in_steps(work.run, Step(self._stage, work.request, work.sink))
        else:
            coroutine = work.run()
        task = self.context.copy().run(self.loop.create_task, coroutine)
        self.tasks[task] = work

        def forget(_: asyncio.Future[None]) -> None:
            self.tasks.pop(task, None)
            work.on_task_done()
            if not self.tasks:
                wake(self._idle_waiters)

        task.add_done_callback(forget)

    def scope(self, request: Request) -> dict[str, Any]:
        """How a request looks to an application (specification, "Connection Scope")."""
        extensions: dict[str, dict[str, Any]] = {"http.response.early_hint": {}}
        if request.tls is not None:
            extensions["tls"] = request.tls.copy()
        elif self.pathsend:
            extensions["http.response.pathsend"] = {}
        state = self.state.copy()
        if request.request_id is not None:
            state |= {"request_id": request.request_id, "traceparent": request.traceparent}
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": request.http_version,
            "server": request.server,
            "client": request.client,
            "scheme": request.scheme,
            "method": request.method,
            "root_path": self.root_path,
            # The whole path, the root path in front.
            "path": self.prefix + request.path,
            "raw_path": self.prefix.encode() + request.raw_path,
            "query_string": request.query_string,
            "headers": request.headers,
            "state": state,
            "extensions": extensions,
        }

    def websocket_scope(self, request: Request, subprotocols: list[str]) -> dict[str, Any]:
        """That of a request that may become a WebSocket, with the extensions that concern it."""
        scope = self.scope(request)
        del scope["method"]
        scope["extensions"] = {
            name: value for name, value in scope["extensions"].items() if not name.startswith("http.")
        } | {"websocket.http.response": {}}
        scheme = {"http": "ws", "https": "wss"}.get(request.scheme, request.scheme)
        return {**scope, "type": "websocket", "scheme": scheme, "subprotocols": subprotocols}


class Cycle(Stream):
    """One request, in the application's hands."""

    def __init__(self, driver: ASGIDriver, request: Request, sink: Sink) -> None:
        self.driver = driver
        self.request = request
        self.sink = sink
        self.coroutine: Any = None
        self.head_sent = False
        self.responded = False  # or the application has ended, and nobody may send any more
        self.ended = False
        self.disconnected = False
        self._parts: list[bytes] = []
        self._buffered_bytes = 0
        self._body_ended = False
        self._last_received = False
        self._receivers: list[asyncio.Future[None]] = []
        self._asked_s = 0.0  # when the body was first waited for, if the driver is timed; 0: it is not
        self._sends_in_a_row = 0

    # ---- from the protocol ----

    def push_body(self, data: bytes) -> None:
        if self.ended or self.disconnected:
            return
        self._parts.append(data)
        self._buffered_bytes += len(data)
        if self._buffered_bytes > self.driver.read_buffer_bytes_max:
            self.sink.pause_body()
        self._wake_receivers()

    def end_body(self) -> None:
        self._body_ended = True
        self._wake_receivers()

    def disconnect(self) -> None:
        self.disconnected = True
        self._parts.clear()
        self._wake_receivers()

    def _wake_receivers(self) -> None:
        if self._asked_s:
            self.sink.body_wait_s += time.monotonic() - self._asked_s
            self._asked_s = 0.0
        wake(self._receivers)

    def start(self) -> None:
        self.started = True
        self.driver.spawn(self)

    # ---- the application ----

    async def run(self) -> None:
        try:
            enter_request(self.request)
            result = self.driver.app(self.driver.scope(self.request), self.receive, self.send)
            self.coroutine = result if asyncio.iscoroutine(result) else await_result(result)
            self._settle(await self.coroutine)
        except BaseException as error:  # SystemExit too: an application does not end the server
            self._fail(error)

    def on_task_done(self) -> None:
        if not self.ended:  # it was cancelled before it began
            self._fail(asyncio.CancelledError())

    def waits_for(self) -> str | None:
        if self._receivers and not self._body_ended and not self.disconnected:
            return "waits for its body"
        return None if self.sink.finished or self.sink.writable() else "waits for its client"

    def _settle(self, result: object) -> None:
        """The application has returned."""
        if not self.sink.finished:  # neither answered, nor is the client gone
            if result is not None:
                complain(self.request, "ASGI callable should return None, but returned %r", result)
            elif not self.head_sent:
                complain(self.request, "ASGI callable returned without starting response")
            else:
                complain(self.request, "ASGI callable returned without completing response")
            self.sink.fail(500)
        self._end()

    def _fail(self, error: BaseException) -> None:
        """The application has raised, or the program's own log has, which is told of it."""
        cancelled = isinstance(error, asyncio.CancelledError)
        try:
            if cancelled:
                if not self.sink.finished:
                    complain(self.request, "ASGI application was cancelled before its answer was complete")
            elif not (self.sink.disconnected and stems_from_disconnect(error)):
                complain(self.request, "Exception in ASGI application", exc_info=error)
        finally:
            self.sink.fail(503 if cancelled else 500)
            self._end()

    def _end(self) -> None:
        self.ended = self.responded = True
        self.coroutine = None
        self._parts.clear()
        self._wake_receivers()

    # ---- what it receives and sends ----

    async def receive(self) -> Message:
        """ASGI's receive."""
        while True:
            if self.disconnected or self.responded:
                return {"type": "http.disconnect"}
            if not self._parts and not self._body_ended:
                self.sink.body_wanted()
            elif not self._last_received:
                return self._take_body()
            waiter = self.driver.loop.create_future()
            self._receivers.append(waiter)
            if self.driver.timed and not self._asked_s and not self._body_ended:
                self._asked_s = time.monotonic()
            await waiter

    def _take_body(self) -> Message:
        body = b"".join(self._parts)
        self._parts.clear()
        self._last_received = self._body_ended
        if self._buffered_bytes > self.driver.read_buffer_bytes_max:
            self.sink.resume_body()
        self._buffered_bytes = 0
        return {"type": "http.request", "body": body, "more_body": not self._body_ended}

    def send(self, message: Message) -> Coroutine[Any, Any, None]:
        """ASGI's send. It acts at once; what it returns waits for a client that is slow."""
        kind = message["type"]
        if self.sink.disconnected:
            raise ClientDisconnected("the client disconnected")
        if self.responded:
            raise RuntimeError(f"Unexpected ASGI message {kind!r} sent, after response already completed.")
        if self.head_sent:
            if self.driver.pathsend and kind == "http.response.pathsend":
                return self._send_path(message["path"])
            if kind != "http.response.body":
                raise RuntimeError(f"Expected ASGI message 'http.response.body', but got {kind!r}.")
            return self._send_body(message.get("body", b""), message.get("more_body", False))
        if kind == "http.response.start":
            self.sink.send_head(message["status"], message.get("headers", ()))
            self.head_sent = True
        elif kind == "http.response.early_hint":
            self.sink.send_informational(103, [(b"link", link) for link in message["links"]])
        else:
            raise RuntimeError(f"Expected ASGI message 'http.response.start', but got {kind!r}.")
        return ready()

    def _send_body(self, body: Any, more: bool) -> Coroutine[Any, Any, None]:
        self.sink.send_data(body, more)
        if not more:
            self.responded = True
            self._wake_receivers()  # who waits hears http.disconnect
            return ready()
        self._sends_in_a_row += 1
        return self._wait_for_client()

    def _send_path(self, path: str) -> Coroutine[Any, Any, None]:
        file = open_regular(path)
        try:
            size = self.sink.begin_file(os.fstat(file.fileno()).st_size)
        except BaseException:
            file.close()
            raise
        return self._send_file(file, size)

    async def _send_file(self, file: IO[bytes], size: int) -> None:
        """So much of the file is the body."""
        left = size
        with file:
            while not self.sink.finished:
                block = file.read(min(FILE_BLOCK_BYTES, left))
                if len(block) == 0 and left > 0:
                    message = f"the file has become shorter: {left} bytes of the answer are missing"
                    raise RuntimeError(message)
                left -= len(block)
                self.sink.send_data(block, left > 0)
                await asyncio.sleep(0)  # others have their turn, and the client may go
                await self._wait_for_client()
        self.responded = True
        wake(self._receivers)

    async def _wait_for_client(self) -> None:
        if self._sends_in_a_row >= SENDS_IN_A_ROW_MAX:
            self._sends_in_a_row = 0
            await asyncio.sleep(0)
        while not self.sink.writable():
            asked_s = time.monotonic()
            await self.sink.wait_writable()
            self.sink.client_wait_s += time.monotonic() - asked_s
        if self.sink.disconnected:
            raise ClientDisconnected("the client disconnected")


def enter_request(request: Request) -> None:
    """In the task's own context: what logs from now on can name the request."""
    if request.request_id is not None:
        REQUEST_ID.set(request.request_id)


async def ready() -> None:
    """What there is to wait for after a message that no client can hold up."""


def open_regular(path: str) -> IO[bytes]:
    """The file of this name. Raises OSError where there is none, or none that has a size."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # no FIFO waits
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return os.fdopen(descriptor, "rb")


def wake(waiters: list[asyncio.Future[None]]) -> None:
    woken, waiters[:] = waiters[:], []
    for waiter in woken:
        if not waiter.done():
            waiter.set_result(None)
