"""What passes between a protocol, an application and those who watch?

The same classes and methods as in fastserve/stream, which are Cython. A protocol fills a `Request`, has the
driver `open` a `Stream` for it, and hands over the `Sink` through which the answer comes back.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Address", "ByteChannel", "ByteSession", "ClientDisconnected", "Driver", "Ended", "MessageDriver",
    "MessageSession", "MessageStream", "Observer", "Request", "RequestFilter", "Sink", "Stream", "Upgrade",
    "stems_from_disconnect",
]  # fmt: skip

Address = tuple[str, "int | None"]
"""`(host, port)`, or `(path, None)` of a UNIX socket."""


class ClientDisconnected(OSError):
    """The client is gone. Raised to an application that goes on sending (ASGI 3, "Disconnected Client")."""


def stems_from_disconnect(error: BaseException, above: frozenset[int] = frozenset()) -> bool:
    """Whether a ClientDisconnected is this exception or among its causes and contexts; of a group, all parts.

    `above` are the ids of the exceptions whose parts led here.
    """
    seen = set(above)
    pending: list[BaseException | None] = [error]
    while pending:
        found = pending.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, ClientDisconnected):
            return True
        parts = getattr(found, "exceptions", ())
        if parts and all(stems_from_disconnect(part, frozenset(seen)) for part in parts):
            return True
        pending += (found.__cause__, found.__context__)
    return False


@dataclass
class Request:
    """One request's head. Only a `RequestFilter` changes it, before a driver gets it.

    `path` is percent-decoded and decoded as UTF-8, `raw_path` and `query_string` stand as they came;
    `headers` have their names in lower case, in the order of arrival. `tls` is what ASGI's extension of
    this name tells of the connection, None where it is not encrypted.
    """

    method: str
    path: str
    raw_path: bytes
    query_string: bytes
    http_version: str
    headers: list[tuple[bytes, bytes]]
    scheme: str = "http"
    client: tuple[str, int] | None = None
    server: Address | None = None
    tls: dict[str, Any] | None = None
    protocol: str | None = None  # what it asks to become, and may (RFC 9110, 7.8): "websocket"
    request_id: str | None = None  # or None: nobody wants one
    traceparent: str | None = None  # of W3C's Trace Context, or None


class Stream(ABC):
    """One request in the hands of a driver.

    A protocol calls `push_body` and `end_body` as bytes arrive, before and after `start`; `disconnect` once,
    when nothing more can arrive.
    """

    started = False

    @abstractmethod
    def push_body(self, data: bytes) -> None: ...

    @abstractmethod
    def end_body(self) -> None: ...

    @abstractmethod
    def start(self) -> None:
        """Run the application. What has been pushed by now needs no waiting."""

    @abstractmethod
    def disconnect(self) -> None: ...


class Sink(ABC):
    """One answer on its way out.

    What the application gets wrong is raised to it as RuntimeError, TypeError or ValueError before a byte of
    it is sent. `status` is 0 until there is one, and 499 if the client left before; `bytes_sent` and
    `bytes_received` count the bodies; `finished` says that the answer is complete or given up.
    """

    status = 0
    bytes_sent = 0
    bytes_received = 0
    disconnected = False
    finished = False
    # On time.monotonic, where the endpoint is timed; 0: it is not, or not yet
    began_s = 0.0  # when the request's head was complete
    first_byte_s = 0.0  # when the answer's first byte went out
    # Where the time went, in seconds, where the driver is timed
    ran_s = 0.0  # in the application's own steps, the one that runs now left out
    cpu_s = 0.0  # of that, on a processor
    step_began_s = 0.0  # of the step that runs; 0: none
    step_began_cpu_s = 0.0  # what its thread had computed then
    body_wait_s = 0.0  # for the request's body
    client_wait_s = 0.0  # for the client to take the answer

    @abstractmethod
    def send_head(self, status: int, headers: Iterable[Any], reason: bytes | None = None) -> None:
        """The final status and the header fields, checked. Written with the first data, or the end.

        `reason` is a phrase of the application's own (RFC 9112, 4); ValueError if it holds a control byte.
        """

    @abstractmethod
    def send_data(self, data: Any, more: bool) -> None:
        """A part of the body (bytes, bytearray or memoryview); `more` says whether others follow."""

    @abstractmethod
    def begin_file(self, size: int) -> int:
        """Of an answer whose whole body is a file of this size, in bytes: how much of it is to be sent by
        `send_data`. Content-Length says so, and is added where there is none."""

    @abstractmethod
    def send_informational(self, status: int, headers: Iterable[Any]) -> None:
        """A 1xx answer before the head (RFC 9110, 15.2)."""

    @abstractmethod
    def send_upgrade(self, protocol: bytes, headers: Iterable[Any], session: ByteSession) -> None:
        """101 (Switching Protocols): the bytes behind it are the session's."""

    @abstractmethod
    def send_error(self, status: int) -> None:
        """The whole answer in the server's own words; only where no head was sent."""

    @abstractmethod
    def abort(self) -> None:
        """Give the answer up: the client must see that it is not complete."""

    def fail(self, status: int) -> None:
        """No answer will come from the application: send our own, or end one that is partly out."""
        if self.finished:
            return
        if self.head_sent():
            self.abort()
        else:
            self.send_error(status)

    @abstractmethod
    def head_sent(self) -> bool:
        """Whether a part of the answer may be on the wire."""

    @abstractmethod
    def writable(self) -> bool:
        """Whether the client keeps up."""

    @abstractmethod
    def wait_writable(self) -> asyncio.Future[None]:
        """A future that is done when the client has caught up, or is gone."""

    @abstractmethod
    def body_wanted(self) -> None:
        """The application waits for the request's body: time for 100 (Continue)."""

    @abstractmethod
    def pause_body(self) -> None:
        """The application does not keep up with the body."""

    @abstractmethod
    def resume_body(self) -> None: ...


class Driver(ABC):
    """Runs an application, one Stream a request."""

    @abstractmethod
    def open(self, request: Request, sink: Sink) -> Stream: ...

    @abstractmethod
    def in_flight(self) -> int:
        """How many requests have not ended, those included that were answered and go on working."""

    @abstractmethod
    def cancel_all(self) -> int:
        """Cancel the requests in flight; returns how many."""

    @abstractmethod
    def when_idle(self) -> asyncio.Future[None]:
        """A future that is done as soon as none is in flight."""

    @abstractmethod
    def close(self) -> None:
        """Nothing more will be asked of it."""


@dataclass(frozen=True)
class Ended:
    """A session that has ended: when its request began, on time.monotonic, its bytes, and of a WebSocket the
    code that the application heard, else 0."""

    began_s: float
    bytes_sent: int
    bytes_received: int
    close_code: int


class Observer(ABC):
    """Is told of every answer that ended, complete or not."""

    @abstractmethod
    def stream_ended(self, request: Request, sink: Sink) -> None: ...

    def session_ended(self, request: Request, session: Ended) -> None:  # noqa: B027
        """What a request had become (its answer was 101) has ended. Only where requests are timed."""


class RequestFilter(ABC):
    """Corrects a request before the driver gets it."""

    @abstractmethod
    def for_connection(self, client: tuple[str, int] | None, server: Address | None) -> RequestFilter | None:
        """What a connection between these addresses has its requests filtered by; None: by nothing."""

    @abstractmethod
    def apply(self, request: Request) -> None: ...


# ---- what a request may become (RFC 9110, 7.8), and messages if it becomes a WebSocket ----


class ByteChannel(ABC):
    """Both directions of a connection that is HTTP's no more, in the hands of a session."""

    @abstractmethod
    def write(self, data: bytes) -> None: ...

    @abstractmethod
    def writable(self) -> bool:
        """Whether the client keeps up."""

    @abstractmethod
    def wait_writable(self) -> asyncio.Future[None]:
        """A future that is done when the client has caught up, or is gone."""

    @abstractmethod
    def pause_reading(self, paused: bool) -> None:
        """Whether the session does not keep up with the client."""

    @abstractmethod
    def end_of_input(self) -> None:
        """The session has worked off what came before the client's end."""

    @abstractmethod
    def close(self, more_may_come: bool) -> None:
        """End the connection behind what was written; `more_may_come`: the client has not said it ends."""


class ByteSession(ABC):
    """What takes the bytes of a channel; `lost` is the last call."""

    @abstractmethod
    def opened(self, channel: ByteChannel) -> None: ...

    @abstractmethod
    def push_bytes(self, data: bytes) -> None: ...

    @abstractmethod
    def push_end(self) -> None:
        """The client has shut its side."""

    @abstractmethod
    def lost(self, ended: Callable[[int], None]) -> None:
        """There are no bytes any more in either direction. `ended` is called once what was read is worked
        off, with the code by which a WebSocket ended, or 0."""

    @abstractmethod
    def on_sweep(self, now_s: float) -> None:
        """Compare deadlines with the clock."""

    @abstractmethod
    def drain(self) -> None:
        """The server ends: bring the session to an end in order."""


class MessageSession(ABC):
    """The server's side of messages, as a driver sees it. `subprotocols` are the client's offers.

    `disconnected`: nothing that is sent arrives; `finished`: nothing more may be sent; `ending`: the last
    message was pushed, and the driver calls `end_now` when the application is done with it.
    """

    subprotocols: list[str]
    disconnected = False
    finished = False
    ending = False

    @abstractmethod
    def accept(self, subprotocol: str | None, headers: Iterable[Any]) -> None: ...

    @abstractmethod
    def send_message(self, data: Any) -> None:
        """A text (str) or bytes (bytes, bytearray, memoryview), whole."""

    @abstractmethod
    def close(self, code: int, reason: str) -> None:
        """No more messages in either direction, and why (RFC 6455, 7.4)."""

    @abstractmethod
    def end_now(self) -> None: ...

    @abstractmethod
    def writable(self) -> bool: ...

    @abstractmethod
    def wait_writable(self) -> asyncio.Future[None]: ...

    @abstractmethod
    def pause(self) -> None:
        """The application does not keep up with the messages."""

    @abstractmethod
    def resume(self) -> None: ...


class MessageStream(Stream):
    """A request that messages may follow, in the hands of a driver."""

    @abstractmethod
    def push_message(self, data: str | bytes) -> None: ...

    @abstractmethod
    def push_close(self, code: int, reason: str) -> None:
        """There are no messages any more."""

    @abstractmethod
    def is_busy(self) -> bool:
        """Whether the application has not asked for more since the last message."""


class MessageDriver(ABC):
    """Runs an application that speaks in messages."""

    @abstractmethod
    def open_messages(self, request: Request, sink: Sink, session: MessageSession) -> MessageStream: ...


class Upgrade(ABC):
    """Knows which requests become something else; `timeout_min_s` is the shortest of its deadlines, or 0."""

    timeout_min_s: float = 0

    @abstractmethod
    def open(self, request: Request, sink: Sink) -> Stream | None:
        """The stream of a request that asks for it. None if it does not; or wrongly, then it is answered."""
