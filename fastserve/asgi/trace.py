"""What do the server and the application say to each other?

With the level `trace`, as with uvicorn, each call of the application is logged: its scope, each message, its
end. Headers and bodies are left out; they may be long, and secret. Without that level nobody is in between.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastserve.logging import TRACE

__all__ = ["Trace", "logger"]

logger = logging.getLogger("fastserve.asgi")

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[Any]]


class Trace:
    """An ASGI application that logs what goes through it."""

    def __init__(self, app: Callable[..., Awaitable[Any]]) -> None:
        self._app = app
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        client = scope.get("client")
        name = f"{client[0]}:{client[1]} - " if client else ""
        name += f"ASGI [{next(self._numbers)}]"

        async def traced_receive() -> Any:
            message = await receive()
            logger.log(TRACE, "%s Receive %s", name, _shown(message))
            return message

        async def traced_send(message: Any) -> None:
            logger.log(TRACE, "%s Send %s", name, _shown(message))
            await send(message)

        logger.log(TRACE, "%s Started scope=%s", name, _shown(scope))
        try:
            await self._app(scope, traced_receive, traced_send)
        except BaseException as error:
            logger.log(TRACE, "%s Raised %s", name, type(error).__name__)
            raise
        logger.log(TRACE, "%s Completed", name)


def _shown(message: Any) -> dict[str, Any]:
    shown = dict(message)
    if "headers" in shown:
        shown["headers"] = "<...>"
    for name in ("body", "bytes", "text"):
        if shown.get(name) is not None:
            unit = "chars" if name == "text" else "bytes"
            shown[name] = f"<{len(shown[name])} {unit}>"
    return shown
