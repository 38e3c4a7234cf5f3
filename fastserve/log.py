"""How does fastserve speak to its operator?

Every message goes to the logger `fastserve.error` (the name says where uvicorn's go too, not that it is an
error). A program that configured logging has its say: our own handler, on stderr, is attached only where
nobody would otherwise handle the messages. Logging never raises into the server: a terminal that is gone is
no reason to stop.
"""

from __future__ import annotations

import logging
import sys

__all__ = ["TRACE", "DefaultFormatter", "StderrHandler", "configure", "logger"]

#: Below DEBUG: every ASGI message. The number is uvicorn's.
TRACE = 5

logger = logging.getLogger("fastserve.error")


class DefaultFormatter(logging.Formatter):
    """Adds `levelprefix` to what a format may name: the level with its colon, in nine columns."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.levelprefix = f"{record.levelname + ':':<9}"
        return super().formatMessage(record)


class StderrHandler(logging.Handler):
    """Writes to whatever `sys.stderr` is at the time, or nowhere if it is closed."""

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stderr
        if stream is None:  # descriptor 2 was closed when the interpreter started
            return
        line = self.format(record) + "\n"
        try:
            stream.write(line)
            stream.flush()
        except (OSError, ValueError):  # ValueError: the stream object itself is closed
            pass


def configure(level: str | None) -> None:
    """Make messages visible, unless the program has configured logging; set the level if one is given.

    "Configured" means that a record on `fastserve.error` would reach some handler: on it, on `fastserve`, or
    on the root logger. Then only `level` is applied, and None leaves that too.
    """
    logging.addLevelName(TRACE, "TRACE")
    ours = logging.getLogger("fastserve")
    if not logger.hasHandlers():
        handler = StderrHandler()
        handler.setFormatter(DefaultFormatter("%(levelprefix)s %(message)s"))
        ours.addHandler(handler)
        # The application may configure the root logger later; the message would then appear twice.
        ours.propagate = False
        ours.setLevel(logging.INFO)
    if level is not None:
        ours.setLevel(level.upper())
