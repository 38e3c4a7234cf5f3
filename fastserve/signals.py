"""Which servers does a signal stop, or tell to open their log files again?

All that run in this process. The handlers are installed when the first server begins and the program's own
are put back when the last one has ended, in whichever order servers end. The signals that came in between are
raised again then, so that the program, or the system, acts on them as if no server had been there: INT
becomes KeyboardInterrupt, TERM ends the process as killed by TERM.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Protocol

from fastserve.wakeup import woken_by_signals

__all__ = ["HANDLED", "REOPEN", "captured", "subscribe"]

HANDLED = (signal.SIGINT, signal.SIGTERM)
#: Taken only where the program has not given it a meaning of its own: log files were moved away.
REOPEN = signal.SIGUSR1


class Stoppable(Protocol):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None: ...
    def reopen_logs(self) -> None: ...


_running: list[Stoppable] = []
_arrived: list[int] = []
_before: dict[signal.Signals, Any] = {}


@contextlib.contextmanager
def captured(server: Stoppable) -> Iterator[None]:
    """Give the process's INT and TERM to `server.handle_exit` inside this context.

    Only the main thread may handle signals; in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if not _running:
        _before.update((number, signal.signal(number, _deliver)) for number in HANDLED)
        if signal.getsignal(REOPEN) is signal.SIG_DFL:
            _before[REOPEN] = signal.signal(REOPEN, _reopen)
    _running.append(server)
    arrived: list[int] = []
    try:
        with woken_by_signals():
            yield
    finally:
        _running.remove(server)
        if not _running:
            arrived = _restore()
    # Not if the server failed: then its exception is what the program is to see. The last signal goes first,
    # as it is the one whose handler would have run first.
    for number in reversed(arrived):
        signal.raise_signal(number)


def _deliver(number: int, frame: FrameType | None) -> None:
    _arrived.append(number)
    for server in list(_running):
        server.handle_exit(number, frame)


def _reopen(number: int, frame: FrameType | None) -> None:
    for server in list(_running):
        server.reopen_logs()


def _restore() -> list[int]:
    """Put the program's handlers back; return the signals that arrived meanwhile."""
    for number, handler in _before.items():
        # None: it was not installed from Python, so Python cannot put it back.
        signal.signal(number, signal.SIG_DFL if handler is None else handler)
    _before.clear()
    arrived = _arrived.copy()
    _arrived.clear()
    return arrived


_subscribers: dict[int, list[Callable[[], object]]] = {}
_before_subscribed: dict[int, Any] = {}


def subscribe(number: signal.Signals, callback: Callable[[], object]) -> Callable[[], None]:
    """Have `callback` called on each such signal until the returned function is called.

    For signals that tell a server something and do not stop it (HUP). Several servers may subscribe to one; a
    handler of the program's own hears it too. The callback runs between two bytecodes of the main thread. In
    another thread this does nothing, as only the main one may handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    if number not in _subscribers:
        before = _before_subscribed[number] = signal.getsignal(number)
        callbacks = _subscribers[number] = []

        def deliver(number: int, frame: FrameType | None) -> None:
            for one in list(callbacks):
                one()
            if callable(before):
                before(number, frame)

        signal.signal(number, deliver)
    _subscribers[number].append(callback)

    def unsubscribe() -> None:
        callbacks = _subscribers[number]
        callbacks.remove(callback)
        if not callbacks:
            del _subscribers[number]
            before = _before_subscribed.pop(number)
            signal.signal(number, signal.SIG_DFL if before is None else before)

    return unsubscribe
