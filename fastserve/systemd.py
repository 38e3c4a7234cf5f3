"""What does systemd say to this process, and what does it hear?

It hands over sockets (sd_listen_fds(3)) and wants to hear how things are (sd_notify(3)). Both are told by
variables, which are taken out of the environment: they are not meant for processes that are started here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time

__all__ = ["Notifier", "listening"]

#: The first descriptor that is handed over.
_FIRST = 3


def listening() -> list[int]:
    """Return the descriptors of the sockets that were handed over to this process."""
    count = os.environ.pop("LISTEN_FDS", "")
    pid = os.environ.pop("LISTEN_PID", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    found = [*range(_FIRST, _FIRST + int(count))]
    for descriptor in found:
        with contextlib.suppress(OSError):  # it is not open: who listens on it tells
            os.set_inheritable(descriptor, False)
    return found


class Notifier:
    """Tells how things are, to whom NOTIFY_SOCKET names, if to anybody."""

    def __init__(self) -> None:
        path = os.environ.pop("NOTIFY_SOCKET", "")
        pid = os.environ.pop("WATCHDOG_PID", "") or str(os.getpid())
        period_us = os.environ.pop("WATCHDOG_USEC", "")
        # "@" stands for the NUL of an abstract address.
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._said: dict[str, str] = {}
        #: How often to say that all is well; None if nobody waits for it.
        self.interval_s: float | None = None
        if self._address and period_us.isdecimal() and int(period_us) and pid == str(os.getpid()):
            self.interval_s = int(period_us) / 2e6
        self._due_s = 0.0

    def ready(self, status: str) -> None:
        self._say(READY="1", STATUS=status)

    def reloading(self) -> None:
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._say(RELOADING="1", MONOTONIC_USEC=str(now_us))

    def environment(self) -> dict[str, str]:
        """Return the variables for a process that is to replace this one."""
        if not self._address:
            return {}
        found = {"NOTIFY_SOCKET": self._address.replace("\0", "@")}
        if self.interval_s is not None:
            found["WATCHDOG_USEC"] = str(round(self.interval_s * 2e6))
        return found

    def replaced_by(self, pid: int) -> None:
        self._say(MAINPID=str(pid), STATUS="Replaced")

    def stopping(self) -> None:
        self._say(STOPPING="1", STATUS="Stopping")

    def status(self, text: str) -> None:
        """Say it if it is not what was said last."""
        if self._said.get("STATUS") != text:
            self._say(STATUS=text)

    def alive(self) -> None:
        """Say that all is well, if it is time to."""
        if self.interval_s is not None and time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + self.interval_s
            self._say(WATCHDOG="1")

    def _say(self, **state: str) -> None:
        self._said.update(state)
        if not self._address:
            return
        text = "\n".join(f"{name}={value}" for name, value in state.items())
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(text.encode(), socket.MSG_DONTWAIT, self._address)
