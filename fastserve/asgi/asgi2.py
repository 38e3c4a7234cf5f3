"""How is an application of ASGI 2 served as one of ASGI 3?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["ASGI2Adapter"]


class ASGI2Adapter:
    """An application of ASGI 2 as one of ASGI 3."""

    def __init__(self, app: Callable[[MutableMapping[str, Any]], Callable[..., Awaitable[None]]]) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        scope["asgi"] = {**scope["asgi"], "version": "2.0"}  # a new dict: other scopes share the old one
        await self.app(scope)(receive, send)
