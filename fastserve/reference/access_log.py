"""How does a request become a line of the access log, or a record of Python's logging?"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Protocol

from fastserve.reference.logline import escaped
from fastserve.reference.response import reason_phrase
from fastserve.reference.seam import Observer, Request, Sink

__all__ = ["AccessLog", "AccessRecords"]

logger = logging.getLogger("fastserve.error")

_DELAY_S = 0.1
_WRITE_AT_BYTES = 32768
_KEEP_BYTES_MAX = 1 << 20  # while the log's reader takes nothing; then lines are left out
#: Of each class of status, from 1xx: bright white, green, yellow, red, bright red.
_COLOURS = ("97", "32", "33", "31", "91")


class File(Protocol):
    """What lines go to instead of a descriptor; `fastserve.logfile.LogFile` is one."""

    def write(self, data: bytes | memoryview) -> int: ...
    def reopen(self) -> None: ...
    def close(self) -> None: ...


class AccessLog(Observer):
    """Writes one line a request: ``INFO:     127.0.0.1:50000 - "GET / HTTP/1.1" 200 OK``.

    To `fd`, which stays open, or else to `file`, which is closed at the end; for many requests at once, and
    whole lines, so that no two processes' lines are mixed up. `prefix` is what a proxy took off the paths.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int = 1,
        use_colors: bool = False,
        file: File | None = None,
        prefix: bytes = b"",
    ) -> None:
        self._loop = loop
        self._prefix = prefix
        self._fd = fd
        self._file = file
        self._use_colors = use_colors
        self._lines = bytearray()
        self._write_at_bytes = _WRITE_AT_BYTES
        self._timer: asyncio.TimerHandle | None = None

    def stream_ended(self, request: Request, sink: Sink) -> None:
        if request.protocol is None:  # a WebSocket's driver logs it
            self._put(self._line(request, sink))

    def _line(self, request: Request, sink: Sink) -> str:
        level = self._coloured("INFO", "32")
        target = self._prefix.decode("ascii") + _target(request)
        what = self._coloured(f"{request.method} {target} HTTP/{request.http_version}", "1")
        status = f"{sink.status} {reason_phrase(sink.status)}"
        if 100 <= sink.status < 600:
            status = self._coloured(status, _COLOURS[sink.status // 100 - 1])
        return f'{level}:     {_client(request)} - "{what}" {status}'

    def _put(self, line: str) -> None:
        if len(self._lines) >= _KEEP_BYTES_MAX:
            return
        self._lines += line.encode("utf-8", "backslashreplace") + b"\n"
        if len(self._lines) >= self._write_at_bytes:
            self._write()
        if self._lines and self._timer is None:
            self._timer = self._loop.call_later(_DELAY_S, self.flush)

    def _coloured(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._use_colors else text

    def _write(self) -> None:
        """What cannot be written waits: it may begin within a line."""
        self._write_at_bytes = _WRITE_AT_BYTES
        try:
            while self._lines:
                pending = bytes(self._lines)
                size = os.write(self._fd, pending) if self._file is None else self._file.write(pending)
                del self._lines[:size]
        except OSError:
            self._write_at_bytes += len(self._lines)  # not again for every line

    def flush(self) -> None:
        """Writes the lines that wait."""
        self._cancel_timer()
        self._write()
        if self._lines and not self._loop.is_closed():
            self._timer = self._loop.call_later(_DELAY_S, self.flush)

    def reopen(self) -> None:
        """Writes the lines that wait; then the file is made anew if it was moved away."""
        self.flush()
        if self._file is not None:
            self._file.reopen()

    def close(self) -> None:
        """Writes the lines that wait, for the last time."""
        self._write()
        if self._file is not None:
            self._file.close()
        self._cancel_timer()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class AccessRecords(Observer):
    """Logs a record a request, with uvicorn's arguments: client, method, target, HTTP version, status."""

    def __init__(self, log: logging.Logger, prefix: str = "") -> None:
        self._log = log
        self._prefix = prefix

    def stream_ended(self, request: Request, sink: Sink) -> None:
        if request.protocol is not None:
            return
        try:
            self._log.info(
                '%s - "%s %s HTTP/%s" %d',
                _client(request),
                request.method,
                self._prefix + _target(request),
                request.http_version,
                sink.status,
            )
        except Exception:  # a filter's: no reason to drop the connection
            logger.exception("A filter or handler of the access log failed")

    def flush(self) -> None:
        """Nothing waits."""

    def reopen(self) -> None:
        """The handlers have the files."""

    def close(self) -> None:
        """Nothing is held."""


def _client(request: Request) -> str:
    """`host:port`, nothing where the client has no address."""
    return f"{request.client[0]}:{request.client[1]}" if request.client else ""


def _target(request: Request) -> str:
    query = "?" + escaped(request.query_string) if request.query_string else ""
    return escaped(request.raw_path) + query
