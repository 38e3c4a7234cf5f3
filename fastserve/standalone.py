"""How does a server run that is its whole process?

Beside what every server does, it tells systemd how it is, and its file of the process's number goes when it
ends: TERM ends the process as soon as it has shut down.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastserve.log import announce
from fastserve.server import Server

if TYPE_CHECKING:
    import socket

    from fastserve.config import Config
    from fastserve.pidfile import PidFile
    from fastserve.sockets import Binding
    from fastserve.systemd import Notifier

__all__ = ["Standalone"]


class Standalone(Server):
    """`handed_over` are the sockets to listen on, if they were bound by somebody else."""

    def __init__(
        self, config: Config, notifier: Notifier, pid_file: PidFile | None, handed_over: Binding | None
    ) -> None:
        super().__init__(config)
        self._notifier = notifier
        self._pid_file = pid_file
        self._handed_over = handed_over

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._handed_over is not None:
            sockets, self._plain = [*self._handed_over.sockets], self._handed_over.plain
        await super().startup(sockets)
        if not self.started:
            return
        if self._handed_over is not None:
            announce(self._handed_over.address)
        self._notifier.ready("Serving")
        if self._notifier.interval_s is not None:
            self._live(asyncio.get_running_loop(), self._notifier.interval_s)

    def _live(self, loop: asyncio.AbstractEventLoop, interval_s: float) -> None:
        self._notifier.alive()
        loop.call_later(interval_s, self._live, loop, interval_s)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._notifier.stopping()
        await super().shutdown(sockets)
        if self._pid_file is not None:
            self._pid_file.remove()
