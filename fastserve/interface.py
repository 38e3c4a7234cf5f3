"""Which interface does the application speak?

ASGI 3 calls an application once, with scope, receive and send; ASGI 2 with the scope, and what that returns
with receive and send; WSGI with environ and start_response.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["interface_of"]


def interface_of(app: Any) -> str:
    """Return `asgi3`, `asgi2` or `wsgi`.

    A coroutine function is an application of ASGI 3, as is a class whose instances can be awaited. Of all
    else the parameters tell, so that a wrapper which returns what an ASGI 3 application returns is taken for
    what it is.
    """
    if not inspect.isclass(app):
        call = app if inspect.isroutine(app) else getattr(app, "__call__", app)  # noqa: B004
        if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(call):
            return "asgi3"
    if _takes_start_response(app):
        return "wsgi"
    if inspect.isclass(app):
        return "asgi3" if hasattr(app, "__await__") else "asgi2"
    return "asgi2" if _takes(app, 1) and not _takes(app, 3) else "asgi3"


def _takes_start_response(app: Callable[..., Any]) -> bool:
    """Whether it has a second parameter of that name, or takes two arguments and neither one nor three.

    PEP 3333 does not name its parameters, but everybody calls them as it does.
    """
    try:
        names = [*inspect.signature(app).parameters]
    except (TypeError, ValueError):  # it is built in and does not tell
        return False
    if len(names) > 1 and names[1] == "start_response":
        return True
    return _takes(app, 2) and not _takes(app, 1) and not _takes(app, 3)


def _takes(app: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(app).bind(*range(count))
    except (TypeError, ValueError):  # ValueError: it is built in and does not tell
        return False
    return True
