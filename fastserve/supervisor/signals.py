"""Which signals has the supervisor received?

A handler only takes note; the loop of the supervisor, which the signal wakes, acts.
"""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Signals"]

_TAKEN = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCHLD,
)


class Signals:
    """Takes signals while it is entered; only in the main thread. Readable (`fileno()`) when one has come."""

    def __init__(self) -> None:
        self._arrived: list[int] = []
        self._before: dict[int, Any] = {}
        self._wakeup_before = -1
        self._readable = self._writable = -1

    def fileno(self) -> int:
        return self._readable

    def take(self) -> list[int]:
        """Return the signals that have come since the last time, in their order."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._readable, 512):
                pass
        # The pipe is empty first: a signal from now on wakes the loop again.
        arrived, self._arrived = self._arrived, []
        return arrived

    def __enter__(self) -> Signals:
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._writable, False)
        self._wakeup_before = signal.set_wakeup_fd(self._writable, warn_on_full_buffer=False)
        for number in _TAKEN:
            self._before[number] = signal.signal(number, self._arrive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # None: it was not installed from Python, so Python cannot put it back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._readable)
        os.close(self._writable)

    def _arrive(self, number: int, frame: FrameType | None) -> None:
        self._arrived.append(number)
