"""Who serves on when a server is upgraded?

SIGUSR2 makes a supervisor start its own command anew, with its sockets: that is how the executable is
upgraded, the interpreter and this package with it. Both serve, side by side. Who is not wanted is sent TERM:
the old one, which then retires, or the new one, and the old one goes on as before. This is what they agree
on: a variable tells the new one which descriptors are what; the old one's pid file steps aside; and what both
use is left by the one that goes to the one that stays.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping

from fastserve.pidfile import PidFile
from fastserve.sockets import Binding

__all__ = ["TakeOver"]

_VARIABLE = "_FASTSERVE_TAKE_OVER"


class TakeOver:
    """Whom this process is to replace, and who is to replace it, if anybody.

    `binding` are the sockets that it has taken over. To be made once, before the environment is used.
    """

    def __init__(self) -> None:
        self.binding: Binding | None = None
        #: The file that tells this process's number.
        self.pid_file: PidFile | None = None
        #: The process that is to replace this one, while it is there.
        self.successor: int | None = None
        self._predecessor = -1
        self._directory = _directory()
        told = json.loads(os.environ.pop(_VARIABLE, "{}"))
        if told.get("pid") == os.getppid():  # else it is of a program that has started this one
            self._predecessor = told["pid"]
            self.binding = Binding.taken_over(told)

    @property
    def predecessor(self) -> int | None:
        """The process that this one is to replace, while it is there."""
        return self._predecessor if os.getppid() == self._predecessor else None

    @property
    def other(self) -> int | None:
        """Who else serves on the same sockets."""
        return self.successor or self.predecessor

    def start(self, binding: Binding, environment: Mapping[str, str]) -> int:
        """Start the successor, and return its number. Raises OSError."""
        told = json.dumps({"pid": os.getpid(), **binding.told()})
        if self.pid_file is not None:
            self.pid_file.step_aside()
        try:
            popen = subprocess.Popen(
                [sys.executable, *sys.orig_argv[1:]],
                cwd=self._directory,
                env={**os.environ, **environment, _VARIABLE: told},
                pass_fds=[sock.fileno() for sock in binding.all],
            )
        except OSError:
            self.successor_ended()
            raise
        popen.returncode = 0  # who waits for all children waits for it, and it may outlive this process
        self.successor = popen.pid
        return popen.pid

    def successor_ended(self) -> None:
        self.successor = None
        if self.pid_file is not None:
            with contextlib.suppress(OSError):  # its directory is gone: that is no reason to end
                self.pid_file.come_back()


def _directory() -> str:
    """The current one as the shell names it: what a link leads to may be another one at the upgrade."""
    name = os.environ.get("PWD", "")
    with contextlib.suppress(OSError):
        if os.path.samefile(name, "."):
            return name
    return os.getcwd()
