"""Which driver runs the application, and its WebSockets?"""

from __future__ import annotations

import asyncio
import contextvars
from importlib.util import find_spec
from typing import Any

from fastserve.config import Config
from fastserve.core import Core
from fastserve.errors import StartupError
from fastserve.log import logger

__all__ = ["driver_for", "upgrade_for"]


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
        return core.part(kind)(config.loaded_app, loop, context, config)
    return core.part("ASGIDriver")(
        config.loaded_app, loop, context, state,
        config.root_path, config.read_buffer_bytes_max, config.root_path_stripped, config.pathsend,
    )  # fmt: skip


def upgrade_for(config: Config, core: Core, loop: asyncio.AbstractEventLoop, driver: Any) -> Any:
    """Return what makes WebSockets of requests, for this driver; None where there are to be none.

    Raises StartupError where the user wants some that the core has not.
    """
    if config.ws == "none" or config.interface == "wsgi":
        return None
    if core.name != "cython":
        if config.ws == "cython":
            raise StartupError(f"Cannot use --ws cython with --http {core.name}: it has wsproto's.")
        if find_spec("wsproto") is None:
            if config.ws != "auto":
                needs = "it needs wsproto: pip install wsproto"
                raise StartupError(f"Cannot use --ws {config.ws} with --http {core.name}: {needs}.")
            return None
    elif config.ws == "wsproto":
        logger.warning("--ws wsproto: fastserve's own WebSocket is used; wsproto is for --http cffi and h11")
    return core.part("WebSocketUpgrade")(loop, core.part("WebSocketDriver")(driver, config), config)
