"""Who writes the line of a request?

Nobody, where the level or the user says so; `logging`, where somebody has put a handler or a filter there;
and else the writer that makes lines without `logging`, at a fraction of its cost. What is found when the
server begins to listen holds until it ends.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from fastserve import log
from fastserve.errors import StartupError
from fastserve.logfile import FileHandler, LogFile, Rotation

if TYPE_CHECKING:
    import asyncio

    from fastserve.config import Config
    from fastserve.core import Core

__all__ = ["access_log", "needs_times"]


def access_log(config: Config, core: Core, loop: asyncio.AbstractEventLoop) -> Any:
    """Return the core's observer that writes the access log, None if there is none. Raises StartupError.

    It has `flush()`, `reopen()` and `close()`. It may need a timed endpoint, see `needs_times`.
    """
    log.settle()
    found = _access_log(config, core, loop)
    slow_s = config.access_log_slow_ms / 1000
    if found is None or not (config.access_log_exclude or config.access_log_sample < 1 or slow_s):
        return found
    excluded = list(filter(None, config.access_log_exclude.split(",")))
    return core.part("AccessGate")(found, excluded, config.access_log_sample, slow_s)


def needs_times(config: Config) -> bool:
    """Whether lines tell how long requests took, or depend on it."""
    return config.access_log_format != "uvicorn" or config.access_log_slow_ms > 0


def _access_log(config: Config, core: Core, loop: asyncio.AbstractEventLoop) -> Any:
    if not config.access_log or not log.access_logger.isEnabledFor(logging.INFO):
        return None
    if config.access_log_file is not None:
        return _to_file(config, core, loop, config.access_log_file)
    handled = log.access_records(config.log_config)
    if handled is False:
        return None
    if handled:
        return _records(config, core)
    # None: descriptor 1 was closed when the interpreter started, and may be anything by now.
    if sys.__stdout__ is None:
        return None
    if log.access_logger.filters:
        log.add_access_handler(log.StdoutHandler(), config.use_colors)
        return _records(config, core)
    if config.access_log_format != "uvicorn":
        return _in_format(config, core, loop)
    use_colors = _on_a_terminal() if config.use_colors is None else config.use_colors
    return core.part("AccessLog")(loop, 1, use_colors, prefix=_prefix(config).encode())


def _records(config: Config, core: Core) -> Any:
    return core.part("AccessRecords")(log.access_logger, _prefix(config))


def _prefix(config: Config) -> str:
    """Return what a proxy took off the paths, for a line that names them as the application sees them."""
    if not config.root_path or not config.root_path_stripped:
        return ""
    from urllib.parse import quote

    return quote(config.root_path)


def _to_file(config: Config, core: Core, loop: asyncio.AbstractEventLoop, path: str) -> Any:
    try:
        if log.access_logger.filters:
            log.add_access_handler(FileHandler(path, config.log_rotate, config.log_keep), False)
            return _records(config, core)
        file = LogFile(path, Rotation.of(config.log_rotate), config.log_keep)
    except OSError as error:
        raise StartupError(f"Cannot write to --access-log-file {path}: {error.strerror}") from None
    if config.access_log_format != "uvicorn":
        return _in_format(config, core, loop, file)
    return core.part("AccessLog")(loop, file=file, prefix=_prefix(config).encode())


def _in_format(
    config: Config, core: Core, loop: asyncio.AbstractEventLoop, file: LogFile | None = None
) -> Any:
    lines = core.part("AccessLines")
    from fastserve.access_format import access_format  # not of every start

    return lines(loop, access_format(config.access_log_format), 1, file, _prefix(config).encode())


def _on_a_terminal() -> bool:
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):  # the application has closed or replaced it
        return False
