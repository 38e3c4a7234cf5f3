"""How does fastserve speak to its operator?

Messages go to the logger `fastserve.error` (the name says where uvicorn's go too, not that it is an error),
requests to `fastserve.access`. A program that configured logging has its say: handlers of our own are
attached only where nobody would otherwise handle the messages. What was done to uvicorn's loggers of the same
names holds for ours, see `_Uvicorn`. Logging never raises into the server: a terminal that is gone is no
reason to stop.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import Any

from fastserve.logfile import FileHandler
from fastserve.logging import ACCESS_FORMAT, DEFAULT_FORMAT, TRACE, AccessFormatter, DefaultFormatter, style

__all__ = [
    "TRACE",
    "StderrHandler",
    "StdoutHandler",
    "access_logger",
    "access_records",
    "add_access_handler",
    "announce",
    "configure",
    "log_files",
    "logger",
    "reopen_files",
    "settle",
    "style",
]

logger = logging.getLogger("fastserve.error")
access_logger = logging.getLogger("fastserve.access")
_OURS = logging.getLogger("fastserve")

#: The handlers that are attached here, and not by the user.
_own: list[logging.Handler] = []
#: The loggers of one name whose level is set here.
_levelled: list[logging.Logger] = []


class StderrHandler(logging.Handler):
    """Writes to whatever `sys.stderr` is at the time, or nowhere if it is closed."""

    _stream = "stderr"

    def emit(self, record: logging.LogRecord) -> None:
        stream = getattr(sys, self._stream)
        if stream is None:  # the descriptor was closed when the interpreter started
            return
        try:
            line = self.format(record) + "\n"
        except Exception:  # arguments that do not fit their message
            self.handleError(record)
            return
        # ValueError: the stream object itself is closed
        with contextlib.suppress(OSError, ValueError):
            stream.write(line)
            stream.flush()


class StdoutHandler(StderrHandler):
    _stream = "stdout"


class _Uvicorn:
    """The logger of uvicorn that one of ours follows.

    A logging configuration, or code of the application, may know uvicorn's loggers only. Unless it does
    something to ours too, ours then passes its records to the handlers of uvicorn's, and has its filters, its
    level and whether it is disabled.
    """

    def __init__(self, ours: logging.Logger, name: str) -> None:
        self.ours = ours
        self.theirs = logging.getLogger(name)
        self._seen = self._state()

    def _state(self) -> tuple[object, ...]:
        theirs = self.theirs
        shared = [logger for logger in (theirs, theirs.parent) if logger is not None]
        return (
            *((tuple(logger.handlers), logger.level, logger.propagate) for logger in shared),
            tuple(theirs.filters),
            theirs.disabled,
        )

    def release(self) -> None:
        """Make ours what it was before it followed."""
        if self.ours.parent is self.theirs:
            self.ours.parent = _OURS
            self.ours.setLevel(logging.NOTSET)
        if self.ours.filters is self.theirs.filters:
            self.ours.filters = []

    def follow(self, changed_only: bool = False) -> None:
        """Let ours follow as things stand; `changed_only`: unless they stand as they did the last time."""
        state, before = self._state(), self._seen
        self._seen = state
        ours, theirs = self.ours, self.theirs
        if (changed_only and state == before) or self._ours_is_configured():
            return
        ours.filters = theirs.filters  # the list itself: a filter that is added later is seen
        ours.disabled = theirs.disabled
        if _ends(theirs):
            # What the application says while it starts leaves a level that it does not name as it is.
            named = theirs.level or (theirs.parent and theirs.parent.level) or not changed_only
            ours.setLevel(logging.NOTSET if named else ours.getEffectiveLevel())
            ours.parent = theirs
        elif theirs.level != logging.NOTSET:
            ours.setLevel(theirs.level)

    def _ours_is_configured(self) -> bool:
        ours = self.ours
        return (
            any(handler not in _own for at in (ours, _OURS) for handler in at.handlers)
            or bool(ours.filters and ours.filters is not self.theirs.filters)
            or not ours.propagate
        )


def _ends(at: logging.Logger) -> bool:
    """Whether a logger's records are handled, or stopped, before they reach the root logger."""
    while at.parent is not None:
        if at.handlers or not at.propagate:
            return True
        at = at.parent
    return False


_followed = (_Uvicorn(logger, "uvicorn.error"), _Uvicorn(access_logger, "uvicorn.access"))


def configure(
    level: str | int | None,
    log_config: Any = "",
    use_colors: bool | None = None,
    file: FileHandler | None = None,
) -> None:
    """Set logging up as the options of group "logging" say.

    Without `log_config` (""), messages are made visible, in `file` or on stderr, unless the program has
    configured logging: unless a record on `fastserve.error` would reach some handler, on it, on `fastserve`,
    on the logger of uvicorn that it follows, or on the root logger. None for `log_config` leaves all of that
    alone. A level that is given holds in each case. Raises OptionError.
    """
    logging.addLevelName(TRACE, "TRACE")
    _reset()
    if log_config:
        from fastserve import logconfig

        logconfig.apply(log_config, use_colors)
    for followed in _followed:
        followed.follow()
    if file is not None or (log_config == "" and not logger.hasHandlers()):
        handler = file or StderrHandler()
        handler.setFormatter(DefaultFormatter(DEFAULT_FORMAT, use_colors=False if file else use_colors))
        _attach(_OURS, handler)
        _OURS.setLevel(logging.INFO)
    if level is not None:
        level = level.upper() if isinstance(level, str) else level
        _OURS.setLevel(level)
        for each in (logger, access_logger):
            if each.level != logging.NOTSET or each.parent is not _OURS:
                _set_level(each, level)
    elif log_config == "" and access_logger.parent is _OURS and access_logger.level == _OURS.level == 0:
        _set_level(access_logger, logging.INFO)  # requests are logged whatever the root logger's level is


def announce(address: str) -> None:
    """The line that tells where the server listens."""
    message = "fastserve running on %s (Press CTRL+C to quit)"
    colored = {"color_message": message.replace("%s", style("%s", bold=True))}
    logger.info(message, address, extra=colored)


def settle() -> None:
    """See what the application has done to uvicorn's loggers, once it is imported and started."""
    for followed in _followed:
        followed.follow(changed_only=True)


def access_records(log_config: Any) -> bool | None:
    """Whether somebody handles or filters the records of requests: with no handler but our own, None.

    Without a `log_config`, the root logger's handlers do not count, as uvicorn's lines do not reach them.
    """
    if log_config != "":
        return access_logger.hasHandlers()
    at: logging.Logger | None = access_logger
    while at is not None and at.parent is not None:
        if any(handler not in _own for handler in at.handlers):
            return True
        if at.handlers:
            break
        if not at.propagate:
            return False
        at = at.parent
    return None


def add_access_handler(handler: logging.Handler, use_colors: bool | None) -> None:
    """Let a handler of ours write the records of requests, which a filter is to see first."""
    for earlier in [earlier for earlier in access_logger.handlers if earlier in _own]:
        _detach(access_logger, earlier)  # of another server in this process, whose lines this one writes too
    handler.setFormatter(AccessFormatter(ACCESS_FORMAT, use_colors=use_colors))
    _attach(access_logger, handler)


def reopen_files() -> None:
    """Let each handler that has a file open it by its name again: somebody may have moved it away."""
    for handler in _handlers():
        try:
            if isinstance(handler, FileHandler):
                handler.file.reopen()
            elif isinstance(handler, logging.FileHandler) and handler.stream is not None:
                _reopen(handler)
        except OSError as error:
            logger.error("Cannot reopen a log file: %s", error)


def log_files() -> list[str]:
    """Return the paths of the files that handlers have open."""
    ours = [handler.file.path for handler in _handlers() if isinstance(handler, FileHandler)]
    opened = [handler for handler in _handlers() if isinstance(handler, logging.FileHandler)]
    return ours + [handler.baseFilename for handler in opened if handler.stream is not None]


def _handlers() -> set[logging.Handler]:
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    return {handler for at in loggers if isinstance(at, logging.Logger) for handler in at.handlers}


def _reopen(handler: logging.FileHandler) -> None:
    # With its mode "w" the file would be emptied, if nobody has moved it away.
    if "a" in handler.mode:
        old = handler.setStream(handler._open())
        if old is not None:
            old.close()


def _attach(to: logging.Logger, handler: logging.Handler) -> None:
    to.addHandler(handler)
    _own.append(handler)
    # The application may configure the root logger later; the message would then appear twice.
    to.propagate = False


def _set_level(at: logging.Logger, level: str | int) -> None:
    at.setLevel(level)
    _levelled.append(at)


def _detach(at: logging.Logger, handler: logging.Handler) -> None:
    at.removeHandler(handler)
    at.propagate = True
    _own.remove(handler)
    handler.close()


def _reset() -> None:
    """Take away what an earlier call attached."""
    for at in (_OURS, access_logger):
        for handler in [handler for handler in at.handlers if handler in _own]:
            _detach(at, handler)
    for at in _levelled:
        at.setLevel(logging.NOTSET)
    _levelled.clear()
    for followed in _followed:
        followed.release()
