"""How far is a child, and how does it begin and end?

A child is a new interpreter, not a fork: it owes nothing to what this process has imported or opened. (What
is forked with `--preload` is a fork of such a child, see `preloader.py`.) Its state changes in
`Process._enter` only.
"""

from __future__ import annotations

import enum
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

from fastserve.supervisor import ipc
from fastserve.tally import Numbers

__all__ = ["Process", "State", "leave_to_parent", "status_of"]

#: Signals that a terminal or a tool sends to all processes of a group: the supervisor acts on them.
_FOR_THE_PARENT = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

_PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

#: The current directory, which -c puts first, could hide modules of the standard library; the directory of
#: this package is there if nothing else leads to it. The parent's own path is part of a worker's order.
_BOOT = (
    "import sys; sys.path[:] = [*filter(None, sys.path), sys.argv[1]]; "
    "from fastserve.{module} import main; main()"
)


class State(enum.Enum):
    #: It has its order, and waits for the word to begin.
    WARM = "warm"
    #: It imports the application and starts it up.
    STARTING = "starting"
    SERVING = "serving"
    #: It was told to stop, and finishes its requests.
    STOPPING = "stopping"
    ENDED = "ended"


_MAY_BECOME = {
    State.WARM: {State.STARTING, State.STOPPING, State.ENDED},
    State.STARTING: {State.SERVING, State.STOPPING, State.ENDED},
    State.SERVING: {State.STOPPING, State.ENDED},
    State.STOPPING: {State.ENDED},
    State.ENDED: set(),
}


class Process:
    """A child that runs `main()` of a module of ours.

    `status` is None until it has ended: then the exit status, negative for the signal that killed it, or None
    if that is not known.
    `entered_s` and `heard_s`, of the monotonic clock, tell when its state changed and when it last said
    anything; `served_s` since when it has served, None if it never did.
    """

    #: Who has forked it, if it is not this process's own child.
    parent: Process | None = None

    def __init__(self, module: str, order: object, files: Sequence[ipc.HasDescriptor] = ()) -> None:
        """Start it. Raises OSError if the system has no process or descriptor left for it."""
        self.module = module
        #: Of workers: one that no other living one has.
        self.number = 0
        self.state = State.WARM
        #: What it has told of its work.
        self.counts = {"requests": 0, "connections": 0, "memory_bytes": 0}
        #: All that it has counted (--metrics).
        self.numbers: Numbers = {}
        self.status: int | None = None
        self.entered_s = self.heard_s = time.monotonic()
        self.served_s: float | None = None
        #: Why it is to be replaced, as it says itself.
        self.due: str | None = None
        #: Whether it was asked to tell what it is doing.
        self.is_suspect = False
        #: Whether it can say nothing any more.
        self.is_silent = False
        self._was_killed = False
        self.channel, theirs = ipc.pair()
        try:
            self.pid = self._started(theirs)
        except OSError:
            self.channel.close()
            raise
        finally:
            os.close(theirs)
        self.channel.order(order, files)

    def _started(self, channel: int) -> int:
        """Start it with this descriptor as its end of the channel; return its number. Raises OSError."""
        return os.posix_spawn(
            sys.executable,
            [
                sys.executable,
                *subprocess._args_from_interpreter_flags(),  # type: ignore[attr-defined]
                "-c",
                _BOOT.format(module=self.module),
                _PACKAGE_PARENT,
            ],
            os.environ,
            # Until it has handlers, what a terminal sends to all would end it.
            setsigmask=_FOR_THE_PARENT,
            file_actions=[(os.POSIX_SPAWN_DUP2, channel, ipc.DESCRIPTOR)],
        )

    @property
    def is_live(self) -> bool:
        """Whether it serves, or will."""
        return self.state in (State.WARM, State.STARTING, State.SERVING)

    def begin(self) -> None:
        """Let it do what its order says."""
        self._enter(State.STARTING)
        self.channel.send(do="begin")

    def heard(self) -> list[dict[str, Any]]:
        """Return what it has said since the last time."""
        messages = self.channel.receive(wait=False)
        self.is_silent = messages is None
        if messages:
            self.heard_s = time.monotonic()
        for message in messages or []:
            if message.get("is") == "ready" and self.state is State.STARTING:
                self._enter(State.SERVING)
                self.served_s = self.entered_s
            elif message.get("is") == "alive":
                self.counts = message["counts"]
                self.numbers = message.get("numbers", self.numbers)
            elif message.get("is") == "due":
                self.due = message["why"]
        return messages or []

    def stop(self) -> None:
        """Ask it to end gracefully; before it serves, it ends at once."""
        self._enter(State.STOPPING)
        self.send_signal(signal.SIGTERM)

    def retire(self) -> None:
        """Ask it to end without haste, while others serve."""
        if self.state is State.SERVING:
            self._enter(State.STOPPING)
            self.channel.send(do="retire")
        else:
            self.stop()

    def suspect(self) -> None:
        """Let it log what all its threads are doing."""
        self.is_suspect = True
        self.channel.send(do="tell")

    def kill(self) -> None:
        self._was_killed = True
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        if self.state is not State.ENDED:  # the number of the process may be another's by then
            os.kill(self.pid, number)

    @property
    def is_lost(self) -> bool:
        """Whether it has ended, and nobody is left who would report that."""
        return False

    def ended(self, status: int | None) -> None:
        """Take note of its end; None if nobody can tell how it ended."""
        self.status = status
        self._enter(State.ENDED)
        self.channel.close()

    @property
    def crashed(self) -> bool:
        """Whether a signal ended it that nobody here has sent."""
        if self.status is None or self.status >= 0 or self._was_killed:
            return False
        return -self.status not in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

    @property
    def silent_s(self) -> float:
        """For how long it has said nothing, since it was told to stop at most."""
        return time.monotonic() - max(self.heard_s, self.entered_s)

    def _enter(self, state: State) -> None:
        assert state in _MAY_BECOME[self.state], (self.state, state)
        self.state = state
        self.entered_s = time.monotonic()


def status_of(status: int | None) -> str:
    """Tell how a process ended: `exit status 1`, `killed by SIGSEGV`."""
    if status is None:
        return "unknown status"
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal
        return f"killed by signal {-status}"


def leave_to_parent() -> None:
    """In a child: do nothing about signals that the supervisor acts on. They were blocked until now.

    They are not ignored, because a program that the application starts would ignore them too.
    """
    for number in _FOR_THE_PARENT:
        signal.signal(number, _do_nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FOR_THE_PARENT)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    pass
