"""Which version of ASGI does the application speak?

ASGI 3 calls an application once, with scope, receive and send. ASGI 2 calls it with the scope, and what it
returns with receive and send.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["ASGI2Adapter", "speaks_asgi2"]


def speaks_asgi2(app: Any) -> bool:
    """Whether this callable is an application of ASGI 2 rather than of ASGI 3.

    A class is one of ASGI 3 only if its instances can be awaited; a coroutine function is one of ASGI 3. Of
    any other callable its parameters tell, so that a wrapper which returns what an ASGI 3 application returns
    is taken for what it is.
    """
    if inspect.isclass(app):
        return not hasattr(app, "__await__")
    call = app if inspect.isroutine(app) else getattr(app, "__call__", app)  # noqa: B004
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(call):
        return False
    return _takes(app, 1) and not _takes(app, 3)


def _takes(app: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(app).bind(*range(count))
    except (TypeError, ValueError):  # ValueError: it is built in and does not tell
        return False
    return True


class ASGI2Adapter:
    """An application of ASGI 2 as one of ASGI 3."""

    def __init__(self, app: Callable[[MutableMapping[str, Any]], Callable[..., Awaitable[None]]]) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        scope["asgi"] = {**scope["asgi"], "version": "2.0"}  # a new dict: other scopes share the old one
        await self.app(scope)(receive, send)
