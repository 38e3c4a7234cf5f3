"""How does a signal reach an event loop that sleeps?

Python runs a signal's handler between two bytecodes of the main thread. A signal that arrives just before
the loop begins to wait for events, or that the system delivers to another thread, does not interrupt that
wait: an idle server would hear of it with the next connection. So each signal also writes a byte to a socket
that the loop watches, which is what `signal.set_wakeup_fd` is for. uvloop does that by itself; asyncio's loop
does it only for handlers of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator

__all__ = ["woken_by_signals"]


@contextlib.contextmanager
def woken_by_signals() -> Iterator[None]:
    """Inside this context each signal wakes the running event loop, if there is one and nobody else does it.

    For the main thread, which alone may say what a signal does.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        yield
        return
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        if before != -1:
            signal.set_wakeup_fd(before)
            yield
            return
        loop.add_reader(reader, _drain, reader)
        try:
            yield
        finally:
            loop.remove_reader(reader)
            now = signal.set_wakeup_fd(-1)
            if now != writer.fileno():  # the application's own handlers have taken over meanwhile
                signal.set_wakeup_fd(now)


def _drain(reader: socket.socket) -> None:
    with contextlib.suppress(BlockingIOError):
        reader.recv(4096)
