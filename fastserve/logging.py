"""How does a log record become a line?

The formatters that a logging configuration may name, under the names and with the arguments that uvicorn's
have in `uvicorn.logging`, and a handler that writes files as `--error-log-file` does. They add to what a
format may name: `levelprefix`, and for the access log `client_addr`, `request_line` and `status_code`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from copy import copy
from typing import Any, Literal

from fastserve.logfile import FileHandler
from fastserve.request_context import REQUEST_ID

__all__ = [
    "ACCESS_FORMAT",
    "DEFAULT_FORMAT",
    "LOGGING_CONFIG",
    "TRACE",
    "AccessFormatter",
    "ColourizedFormatter",
    "DefaultFormatter",
    "FileHandler",
    "RequestIdFilter",
    "style",
]

#: Below DEBUG: every ASGI message. The number is uvicorn's.
TRACE = 5

DEFAULT_FORMAT = "%(levelprefix)s %(message)s"
ACCESS_FORMAT = '%(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s'

#: What fastserve does when it is told nothing, as a configuration to start one's own from.
LOGGING_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "default": {"()": "fastserve.logging.DefaultFormatter", "fmt": DEFAULT_FORMAT, "use_colors": None},
        "access": {"()": "fastserve.logging.AccessFormatter", "fmt": ACCESS_FORMAT},
    },
    "handlers": {
        "default": {
            "formatter": "default",
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stderr",
        },
        "access": {
            "formatter": "access",
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
        },
    },
    "loggers": {
        "fastserve": {"handlers": ["default"], "level": "INFO", "propagate": False},
        "fastserve.error": {"level": "INFO"},
        "fastserve.access": {"handlers": ["access"], "level": "INFO", "propagate": False},
    },
}

#: Parameters of the control sequence "select graphic rendition" (ECMA-48, 8.3.117).
_COLOURS = {
    "red": 31,
    "green": 32,
    "yellow": 33,
    "blue": 34,
    "cyan": 36,
    "bright_red": 91,
    "bright_white": 97,
}
_BOLD = 1

_OF_LEVEL = {
    TRACE: "blue",
    logging.DEBUG: "cyan",
    logging.INFO: "green",
    logging.WARNING: "yellow",
    logging.ERROR: "red",
    logging.CRITICAL: "bright_red",
}
_OF_STATUS_CLASS = {1: "bright_white", 2: "green", 3: "yellow", 4: "red", 5: "bright_red"}


def style(text: str, colour: str | None = None, bold: bool = False) -> str:
    """Return the text as a terminal shows it in this colour, or as it is where neither is asked for."""
    codes = [f"\033[{_COLOURS[colour]}m"] if colour else []
    if bold:
        codes.append(f"\033[{_BOLD}m")
    return f"{''.join(codes)}{text}\033[0m" if codes else text


class ColourizedFormatter(logging.Formatter):
    """Adds `levelprefix`: the level with its colon, in nine columns.

    With colours, the level has one, and the message is the record's `color_message` where it has one.
    `use_colors` is None for: where the stream that such lines usually go to is a terminal.
    """

    _stream = "stdout"

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        use_colors: bool | None = None,
        *,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(fmt, datefmt, style, defaults=defaults)
        self.use_colors = self._on_a_terminal() if use_colors is None else use_colors

    def _on_a_terminal(self) -> bool:
        try:
            return bool(getattr(sys, self._stream).isatty())
        except (AttributeError, ValueError):  # there is no such stream, or it is closed
            return False

    def formatMessage(self, record: logging.LogRecord) -> str:
        # A copy: other handlers see the record too.
        record = copy(record)
        level = record.levelname
        space = " " * (8 - len(level))
        if self.use_colors:
            level = style(level, _OF_LEVEL.get(record.levelno))
            if hasattr(record, "color_message"):
                record.msg = record.color_message
                record.message = record.getMessage()
        record.levelprefix = f"{level}:{space}"
        self._add(record)
        return super().formatMessage(record)

    def _add(self, record: logging.LogRecord) -> None:
        """Give a record, which is a copy, what else the format may name."""


class RequestIdFilter(logging.Filter):
    """Gives every record the attribute `request_id`: of the request whose code logs, or "-".

    For the handlers of the program's own loggers, with `%(request_id)s` in their format; needs --request-id.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "request_id"):
            record.request_id = REQUEST_ID.get() or "-"
        return True


class DefaultFormatter(ColourizedFormatter):
    """For messages; they go to stderr."""

    _stream = "stderr"


class AccessFormatter(ColourizedFormatter):
    """For records of `fastserve.access`: their arguments are client, method, target, HTTP version, status."""

    def _add(self, record: logging.LogRecord) -> None:
        arguments: Any = record.args
        client, method, target, version, status = arguments
        line = f"{method} {target} HTTP/{version}"
        record.client_addr = client
        record.request_line = style(line, bold=True) if self.use_colors else line
        record.status_code = self._shown(int(status))

    def _shown(self, status: int) -> str:
        from http import HTTPStatus  # here, as most servers start without this formatter

        try:
            text = f"{status} {HTTPStatus(status).phrase}"
        except ValueError:
            text = f"{status} "
        return style(text, _OF_STATUS_CLASS.get(status // 100)) if self.use_colors else text
