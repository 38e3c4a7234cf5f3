"""Which driver runs the application?"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from fastserve.config import Config
from fastserve.core import Core
from fastserve.errors import StartupError

__all__ = ["driver_for"]


def driver_for(
    config: Config,
    core: Core,
    loop: asyncio.AbstractEventLoop,
    context: contextvars.Context,
    state: dict[str, Any],
) -> Any:
    """Return the core's driver of this configuration's application, which is loaded. Raises StartupError.

    Each request runs in a copy of `context`; `state` is the lifespan's.
    """
    if config.interface == "wsgi":
        kind = "ThreadedDriver" if config.wsgi_threads > 0 else "InlineDriver"
        if kind not in core.places:
            raise StartupError(f"Cannot use --http {core.name}: WSGI applications are served by cython only.")
        return core.part(kind)(config.loaded_app, loop, context, config)
    return core.part("ASGIDriver")(
        config.loaded_app, loop, context, state,
        config.root_path, config.read_buffer_bytes_max, config.root_path_stripped,
    )  # fmt: skip
