"""Who forks workers of an application that has been imported already?

With `--preload` a child does that serves nobody itself (`fastserve/preload.py`): this process imports nothing
of the application's in that case either. It is asked by a socket of its own, which takes the descriptor that
is to be the worker's channel, and answers with the worker's number. The worker gets its order and speaks by
its channel, as any other does. Its end is its parent's to see, who tells it; if the parent is gone, the
worker goes on, and is replaced by one of the next parent's.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import struct
from typing import TYPE_CHECKING, Any

from fastserve.supervisor.process import Process, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastserve.supervisor.ipc import HasDescriptor

__all__ = ["PRELOADER", "REPLY", "Forked", "Preloader", "told_end"]

#: The module that it runs.
PRELOADER = "preload"
#: The number of the process that was forked, with its descriptor (pidfd_open(2)) where there are such; or
#: an errno, negative.
REPLY = struct.Struct("!i")
#: A fork takes milliseconds. This process does nothing else meanwhile.
_FORK_TIMEOUT_S = 10.0


class Preloader(Process):
    """It has imported the application (once it is SERVING), and forks workers."""

    def __init__(self, order: object) -> None:
        """Start it. Raises OSError."""
        self._births, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._births.settimeout(_FORK_TIMEOUT_S)
        with theirs:
            try:
                super().__init__(PRELOADER, order, [theirs])
            except OSError:
                self._births.close()
                raise

    def fork(self, channel: int) -> tuple[int, int | None]:
        """Fork a worker whose end of its channel this is; return its number, and the descriptor that stands
        for it, where there is one. Raises OSError."""
        try:
            socket.send_fds(self._births, [b"+"], [channel])
            data, descriptors, _, _ = socket.recv_fds(self._births, REPLY.size, 1)
        except TimeoutError:
            self.kill()  # an answer that comes late would be taken for that of the next
            raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None
        if len(data) < REPLY.size:
            raise OSError(errno.ESRCH, os.strerror(errno.ESRCH))
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        (pid,) = REPLY.unpack(data)
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        return pid, descriptors[0] if descriptors else None

    def retire(self) -> None:
        self.stop()  # which waits for its children

    def ended(self, status: int | None) -> None:
        super().ended(status)
        self._births.close()


class Forked(Process):
    """A worker that a `Preloader` has forked."""

    def __init__(self, parent: Preloader, module: str, order: object, files: Sequence[HasDescriptor]) -> None:
        """Start it. Raises OSError."""
        self.parent: Preloader = parent
        self._pidfd: int | None = None
        super().__init__(module, order, files)

    def _started(self, channel: int) -> int:
        pid, self._pidfd = self.parent.fork(channel)
        return pid

    def send_signal(self, number: int) -> None:
        """The same. It may have ended, and its number may be another's: its descriptor stays its own."""
        if self.state is State.ENDED:
            return
        try:
            if self._pidfd is None:
                os.kill(self.pid, number)
            else:
                signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            pass

    @property
    def is_lost(self) -> bool:
        if self.parent.state is not State.ENDED:
            return False
        if self._pidfd is None:
            return self.is_silent
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(0))

    def ended(self, status: int | None) -> None:
        super().ended(status)
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


def told_end(message: dict[str, Any]) -> tuple[int, int | None] | None:
    """Return whose end a preloader tells, and its status; None if it tells something else."""
    pid, status = message.get("pid"), message.get("status")
    if message.get("is") != "ended" or type(pid) is not int or type(status) not in (int, type(None)):
        return None
    return pid, status
