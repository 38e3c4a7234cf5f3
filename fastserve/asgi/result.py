"""What if an application, called, returns no coroutine?

Any awaitable will do: an object with `__await__`, a future, a generator made by `types.coroutine`. A
coroutine that awaits it is one more frame, and in exchange the rest of the server meets coroutines only.
"""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["await_result"]


async def await_result(result: Any) -> Any:
    """Await what an application has returned. Raises TypeError if it is no awaitable."""
    if not inspect.isawaitable(result):
        raise TypeError(
            f"an ASGI application returns an awaitable, as `async def` does, but this one returned {result!r}"
        )
    return await result
