"""How does a test serve an application that it has just written?

`Serving` runs a `fastserve.Server` in a thread, in an event loop of its own. So the application can be a
function inside the test and leave what it saw in the test's variables, while the test talks to it through a
socket. A `Gate` holds the application somewhere until the test has looked around.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from wire.client import Client, Response, parse_response

import fastserve

TIMEOUT_S = 30.0

App = Callable[..., Any]


def get(path: str = "/", *fields: str) -> bytes:
    return request("GET", path, *fields)


def request(method: str, path: str, *fields: str, body: bytes | None = None) -> bytes:
    """The bytes of a request; with a body, its Content-Length too."""
    lines = [f"{method} {path} HTTP/1.1", "Host: a", *fields]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def until(condition: Callable[[], Any], what: Callable[[], str] | str) -> Any:
    """What the condition returns, as soon as that is true. Raises AssertionError with the text."""
    deadline_s = time.monotonic() + TIMEOUT_S
    while not (found := condition()):
        assert time.monotonic() < deadline_s, what() if callable(what) else what
        time.sleep(0.002)
    return found


class Gate:
    """Where an application waits until its test lets it pass."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._reached = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait(self) -> None:
        """In the application."""
        self._loop = asyncio.get_running_loop()
        self._reached.set()
        await self._event.wait()

    def announce(self) -> None:
        """In the application: it is here as soon as it waits for anything."""
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._reached.set)

    def await_reached(self) -> None:
        """In the test."""
        assert self._reached.wait(TIMEOUT_S), "the application did not come to the gate"

    def open(self) -> None:
        """In the test: let the application pass, once it is there."""
        self.await_reached()
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._event.set)


class _Errors(logging.Filter):
    """Takes what goes to the error log, as text.

    Nobody gets the records themselves: pytest would keep them, and with them what the application held.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            self.texts.append(logging.Formatter("%(message)s").format(record))
        return False


@contextlib.contextmanager
def a_log_filter_that_raises() -> Iterator[None]:
    """The program's own, and the first that is asked: KeyError."""

    def failing(record: logging.LogRecord) -> bool:
        raise KeyError("of the filter")

    logger = logging.getLogger("fastserve.error")
    logger.filters.insert(0, failing)  # type: ignore[arg-type]
    try:
        yield
    finally:
        logger.filters.remove(failing)  # type: ignore[arg-type]


class Serving:
    """A running server. `loop` is `uvloop` or `asyncio`; the options are those of `fastserve.Config`."""

    def __init__(self, app: App, loop: str, **options: Any) -> None:
        options = {"host": "127.0.0.1", "port": 0, "access_log": False, "lifespan": "off", **options}
        # The level is the access log's too.
        options.setdefault("log_level", "info" if options["access_log"] else "warning")
        self.server = fastserve.Server(fastserve.Config(app, loop=loop, **options))
        self._errors = _Errors()
        self._failures: list[str] = []
        self._left: list[str] = []
        self._stopped = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self._logger = logging.getLogger("fastserve.error")
        self._logger.addFilter(self._errors)
        self._thread = threading.Thread(target=self._run, name="fastserve")
        self._thread.start()
        until(lambda: self.server.started or not self._thread.is_alive(), "the server did not start")
        assert self.server.started, self._failures

    def _run(self) -> None:
        loop = self.loop = self.server.config.get_loop_factory()()
        loop.set_exception_handler(lambda _, context: self._failures.append(_describe(context)))
        try:
            loop.run_until_complete(self._serve())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        except BaseException as error:
            self._failures.append(f"the server ended with {error!r}")
        finally:
            loop.close()

    async def _serve(self) -> None:
        await self.server.serve()
        await asyncio.sleep(0)  # for tasks that were cancelled a moment ago
        left = asyncio.all_tasks() - {asyncio.current_task()}
        self._left = [repr(task) for task in left]
        for task in left:
            task.cancel()
        await asyncio.wait(left) if left else None

    # ---- the client's side ----

    @property
    def address(self) -> Any:
        return self.server.servers[0].sockets[0].getsockname()  # type: ignore[attr-defined]

    def connect(self, **options: Any) -> Client:
        return Client(self.address[1], timeout_s=TIMEOUT_S, **options)

    def ask(self, data: bytes | None = None, method: str = "GET") -> Response:
        """Send one request on a connection of its own and read the answer."""
        with self.connect() as client:
            return client.ask(get() if data is None else data, method)

    def ask_unix(self, path: str, data: bytes) -> Response:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(TIMEOUT_S)
            sock.connect(path)
            sock.sendall(data)
            received = b""
            while (response := parse_response(received)) is None:
                received += sock.recv(65536)
            return response

    # ---- the server's side ----

    def in_loop(self, function: Callable[[], Any]) -> Any:
        """What the function returns when the server's loop calls it."""

        async def call() -> Any:
            return function()

        return self.run(call())

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        assert self.loop is not None
        future: concurrent.futures.Future[Any] = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        return future.result(TIMEOUT_S)

    @property
    def in_flight(self) -> int:
        """Requests whose application has not returned."""
        count: int = self.in_loop(lambda: self.server._endpoint.requests_in_flight)
        return count

    def await_idle(self) -> None:
        """Wait until every request's application has returned."""
        until(lambda: self.in_flight == 0, "an application did not return")

    def errors(self) -> list[str]:
        """What went to the error log so far, tracebacks included; forgets it."""
        texts = self._errors.texts[:]
        del self._errors.texts[: len(texts)]
        return texts

    def failures(self) -> list[str]:
        """What reached the event loop's exception handler so far; forgets it."""
        failures, self._failures = self._failures, []
        return failures

    def stop(self) -> None:
        """End the server, gracefully. Its traces are judged by `assert_clean`."""
        if not self._stopped:
            self._stopped = True
            self.server.should_exit = True
            self._thread.join(TIMEOUT_S)
            self._logger.removeFilter(self._errors)
            assert not self._thread.is_alive(), "the server did not end"

    def assert_clean(self) -> None:
        left = {"errors": self.errors(), "failures": self.failures(), "tasks": self._left}
        assert not any(left.values()), f"the server left behind: {left}"


def _describe(context: dict[str, Any]) -> str:
    """As text, since the context refers to tasks."""
    return f"{context.get('message')}: {context.get('exception')!r}"
