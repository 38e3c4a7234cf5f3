from collections.abc import MutableMapping
from typing import Any, Protocol

from fastserve.asgi.awaitable import Awaitable
from fastserve.asgi.driver import ASGICycle, ASGIDriver
from fastserve.stream.messages import MessageDriver

class _Limits(Protocol):
    """The options that it reads, of a `fastserve.Config` or the like."""

    @property
    def ws_max_queue(self) -> int: ...
    @property
    def ws_queue_bytes_max(self) -> int: ...

class WebSocketDriver(MessageDriver):
    """Runs the WebSockets of an application, one task each."""

    def __init__(self, driver: ASGIDriver, limits: _Limits) -> None: ...

class WebSocketCycle(ASGICycle):
    """One WebSocket, in the application's hands."""

    def send_message(self, message: MutableMapping[str, Any]) -> Awaitable:
        """ASGI's send. It acts at once; what it returns is ready, unless the client is slow."""
