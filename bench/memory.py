"""How is a connection fed without a socket? What is around it stands in memory, and no system call is made.

For measurements of single steps: by the clock (``bench/micro``), and by the instructions that they take
(``bench.instructions``).
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

from bench.apps.plain_asgi import HELLO, Message, Receive, Send
from fastserve import Config
from fastserve.asgi.driver import ASGIDriver
from fastserve.asgi.websocket import WebSocketDriver
from fastserve.features.access_log import AccessLog
from fastserve.h1.connection import Connection
from fastserve.net.endpoint import Endpoint
from fastserve.ws.handshake import WebSocketUpgrade

App = Callable[[Message, Receive, Send], Awaitable[None]]

MINIMAL = [("Host", "localhost:8000")]


def request(
    headers: list[tuple[str, str]] = MINIMAL, target: str = "/", method: str = "GET", body: bytes = b""
) -> bytes:
    """One request as a client writes it."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode() + body


def answering(headers: int) -> App:
    """An application that answers with `headers` header fields."""
    fields = [(b"content-type", b"text/plain"), (b"content-length", str(len(HELLO)).encode())]
    fields += [(f"x-field-{i}".encode(), f"value {i}".encode()) for i in range(headers - len(fields))]

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": HELLO})

    return app


class Sunk(asyncio.Transport):
    """A transport that takes everything at once and remembers the last write."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 8000)})
        self.last: deque[bytes] = deque(maxlen=1)
        self.write = self.last.append  # type: ignore[method-assign,assignment]

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def abort(self) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = cast(asyncio.Protocol, protocol)


class Turning:
    """The running loop, except that what is to be called soon is called by :meth:`turn`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._soon: list[Callable[[], None]] = []
        self.call_soon = self._soon.append

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def turn(self) -> None:
        """What an event loop does once it has read every connection that has something."""
        while self._soon:
            self._soon.pop()()


@dataclass
class Setup:
    """What is around the connection, in the options' terms."""

    app: App = field(default_factory=lambda: answering(2))
    state: dict[str, Any] = field(default_factory=dict)
    root_path: str = ""
    access_log: bool = False
    websocket: bool = False

    def endpoint(self, loop: Turning, log_fd: int) -> Endpoint:
        """For the running loop; lines of the access log go to `log_fd`."""
        running = asyncio.get_running_loop()
        driver = ASGIDriver(self.app, running, contextvars.copy_context(), self.state, self.root_path)
        observers = [AccessLog(running, log_fd)] if self.access_log else []
        config, own_loop = Config(self.app), cast(asyncio.AbstractEventLoop, loop)
        messages = WebSocketDriver(driver, config)
        upgrade = WebSocketUpgrade(running, messages, config) if self.websocket else None
        return Endpoint(own_loop, config, driver, (), observers, None, upgrade)


def connect(endpoint: Endpoint) -> tuple[Connection, Sunk]:
    """A connection on a transport of its own."""
    connection, transport = Connection(endpoint), Sunk()
    connection.connection_made(transport)
    return connection, transport
