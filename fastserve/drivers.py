"""Which driver runs the application?"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

from fastserve.config import Config

if TYPE_CHECKING:
    from fastserve.stream.stream import Driver

__all__ = ["driver_for"]


def driver_for(
    config: Config, loop: asyncio.AbstractEventLoop, context: contextvars.Context, state: dict[str, Any]
) -> Driver:
    """Return the driver of this configuration's application, which is loaded.

    Each request runs in a copy of `context`; `state` is the lifespan's.
    """
    # Imported here: what only reads options or fails to start need not load the extension modules.
    if config.interface == "wsgi":
        from fastserve.wsgi.inline import InlineDriver
        from fastserve.wsgi.threaded import ThreadedDriver

        kind = ThreadedDriver if config.wsgi_threads > 0 else InlineDriver
        return kind(config.loaded_app, loop, context, config)
    from fastserve.asgi.driver import ASGIDriver

    return ASGIDriver(
        config.loaded_app, loop, context, state,
        config.root_path, config.read_buffer_bytes_max, config.root_path_stripped,
    )  # fmt: skip
