import asyncio
from collections.abc import Awaitable as AwaitableOf
from collections.abc import Callable, MutableMapping
from contextvars import Context
from types import CodeType, FrameType, TracebackType
from typing import Any

from fastserve.asgi.awaitable import Awaitable
from fastserve.loop_watch import LoopWatch
from fastserve.stream.request import Request
from fastserve.stream.stream import Driver, Stream

_Message = MutableMapping[str, Any]
_Application = Callable[
    [dict[str, Any], Callable[[], AwaitableOf[_Message]], Callable[[_Message], AwaitableOf[None]]],
    AwaitableOf[None],
]

class ASGIDriver(Driver):
    """Runs an ASGI 3 application, one task a request, each in a copy of `context`."""

    def __init__(
        self,
        app: _Application,
        loop: asyncio.AbstractEventLoop,
        context: Context,
        state: dict[str, Any] | None = None,
        root_path: str = "",
        read_buffer_bytes_max: int = 65536,
        root_path_stripped: bool = True,
        pathsend: bool = False,
    ) -> None: ...
    @property
    def tasks(self) -> set[asyncio.Task[None]]: ...
    def in_flight(self) -> int: ...
    def set_watch(self, watch: LoopWatch | None) -> None:
        """From now on this one hears of every step of the application; None: nobody does."""

    def stepping(self) -> Request | None:
        """The request whose application runs now, as another thread sees it; None if there is none."""

    def working(self) -> list[tuple[Request, float, str, Any]]:
        """What the requests in hand are doing, as any thread may ask.

        ``(request, began_s, doing, coroutine)`` of each. ``doing`` is one of ``runs``, ``suspended``,
        ``waits for its body``, ``waits for a message`` and ``waits for its client``; ``began_s`` is 0 where
        the endpoint is not timed.
        """

    timed: bool
    def cancel_all(self) -> int: ...

class Receive(Awaitable):
    """What receive() returns. Its message is taken when it is awaited: one that is cancelled loses none."""

class Drain(Awaitable):
    """What send() returns while the client is slow: done when it has caught up; raises when it is gone."""

class FileDrain(Drain):
    """The same while a file is sent: done when that is."""

class ASGICycle(Stream):
    """One request, in the application's hands; to the event loop's task, a coroutine."""

    def receive_message(self) -> Receive:
        """ASGI's receive."""

    def send_message(self, message: _Message) -> Awaitable:
        """ASGI's send. It acts at once; what it returns is ready, unless the client is slow."""

    def complain(self, message: str, *values: object, exc_info: BaseException | None = None) -> None:
        """A line in the error log that names the route. Raises what the program's own log handlers raise."""

    def __await__(self) -> ASGICycle: ...
    def __iter__(self) -> ASGICycle: ...
    def __next__(self) -> asyncio.Future[Any]: ...
    def send(self, value: Any) -> asyncio.Future[Any]:
        """The coroutine's method; the application's send is send_message."""

    def throw(
        self,
        kind: BaseException | type[BaseException],
        value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> asyncio.Future[Any]:
        """What the event loop does to cancel."""

    def close(self) -> None:
        """Ends a coroutine that no loop will step again."""

    @property
    def cr_frame(self) -> FrameType | None: ...
    @property
    def cr_code(self) -> CodeType | None: ...
    @property
    def cr_await(self) -> Any: ...
    @property
    def cr_running(self) -> bool: ...
    @property
    def cr_suspended(self) -> bool: ...
    @property
    def __name__(self) -> str: ...
    @property
    def __qualname__(self) -> str: ...
