"""What does the process do that imports the application once for all workers?

It imports it, and then forks a worker whenever the supervisor says so (`supervisor/preloader.py` is the
supervisor's side). A fork shares memory with its parent until one of the two writes to it: what the import
has made is there once. It runs no event loop, and no thread once the application is imported: neither would
be there in a child. It ends when it is told to and its last worker has ended, or with the supervisor.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

from fastserve.core import find
from fastserve.errors import STARTUP_FAILURE, StartupError
from fastserve.log import logger, reopen_files
from fastserve.serving import report
from fastserve.stacks import told
from fastserve.supervised import prepared, serve, told_to_begin
from fastserve.supervisor.ipc import DESCRIPTOR, Channel
from fastserve.supervisor.preloader import REPLY
from fastserve.supervisor.process import leave_to_parent
from fastserve.title import entitle

if TYPE_CHECKING:
    from fastserve.config import Config

__all__ = ["main"]

#: What this process hears of, and a child is to hear of in its own way.
_SIGNALS = (signal.SIGTERM, signal.SIGCHLD)


def main() -> None:
    """Import the application and fork workers, in each of which this is `supervised.serve()`.

    Exits with 3 if the application cannot be imported.
    """
    leave_to_parent()
    channel = Channel.of_child()
    try:
        order, descriptors = channel.receive_order()
    except EOFError:
        return
    births = socket.socket(fileno=descriptors[0])
    config = prepared(order)
    if not told_to_begin(channel):
        return
    entitle("preloader", None, config.app)
    logger.info("Started preloader process [%d]", os.getpid())
    _import_parts(config)
    try:
        with _heard(channel):
            config.load_app()
    except StartupError as error:
        report(error)
        sys.exit(STARTUP_FAILURE)
    _tell_of_threads()
    # What is garbage by now is not to be found by each worker. To look at the rest would write to its memory.
    gc.collect()
    gc.freeze()
    if _Forks(channel, births).run():
        channel = Channel.of_child()
        try:
            order, descriptors = channel.receive_order()
        except EOFError:
            return
        serve(channel, config, order, descriptors)


def _import_parts(config: Config) -> None:
    """Import what a worker may take of this server, beside what every process does that waits to be one."""
    with contextlib.suppress(StartupError):  # told where it is needed
        core = find(config.http)
        for name in core.places:
            with contextlib.suppress(ImportError):
                core.part(name)


@contextlib.contextmanager
def _heard(channel: Channel) -> Iterator[None]:
    """Meanwhile, let a thread do what the supervisor says; it has ended at the end."""
    end, ours = os.pipe()

    def hear() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        poll = select.poll()
        poll.register(channel, select.POLLIN)
        poll.register(end, select.POLLIN)
        while end not in (descriptor for descriptor, _ in poll.poll()):
            _obey(channel)

    thread = threading.Thread(target=hear, name="fastserve supervisor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(ours)
        thread.join()
        os.close(end)


def _obey(channel: Channel) -> None:
    """Do what the supervisor has said; end with it."""
    messages = channel.receive(wait=False)
    if messages is None:
        os._exit(0)
    for message in messages:
        if message["do"] == "tell":
            logger.error("Process [%d], which has not answered, is here:\n%s", os.getpid(), told())
        elif message["do"] == "reopen":
            reopen_files()


def _tell_of_threads() -> None:
    main = threading.main_thread()
    names = ", ".join(thread.name for thread in threading.enumerate() if thread is not main)
    if names:
        logger.warning(
            "Threads were started when the application was imported; no worker has them: %s", names
        )


def _note(number: int, frame: FrameType | None) -> None:
    """The signal wakes the loop, which acts."""


class _Forks:
    """The loop that waits for orders and for the ends of children."""

    def __init__(self, channel: Channel, births: socket.socket) -> None:
        self._channel = channel
        self._births = births
        self._children: set[int] = set()
        self._is_to_end = False
        self._awake, self._wake = os.pipe()
        os.set_blocking(self._awake, False)
        os.set_blocking(self._wake, False)
        self._handlers = {number: signal.signal(number, _note) for number in _SIGNALS}
        self._woken_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)

    def run(self) -> bool:
        """Return True in each child, and False in this process when it is to end."""
        self._channel.send(**{"is": "ready"})
        poll = select.poll()
        for file in (self._channel, self._births, self._awake):
            poll.register(file, select.POLLIN)
        while self._children or not self._is_to_end:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self._awake in ready:
                self._is_to_end |= signal.SIGTERM in os.read(self._awake, 512)
                self._bury()
            if self._channel.fileno() in ready:
                _obey(self._channel)
            if self._births.fileno() in ready and self._fork():
                return True
        return False

    def _fork(self) -> bool:
        """Do it; return whether this is the child, with its channel in its place."""
        asked, descriptors, _, _ = socket.recv_fds(self._births, 1, 1)
        if not descriptors:
            if asked:  # this process has no descriptor left for it
                self._reply(-errno.EMFILE)
            return False  # else the supervisor has ended, as the channel tells too
        # A signal for the child must not find this process's handler in it.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
        except OSError as error:
            pid = -(error.errno or errno.EAGAIN)
        if pid == 0:
            self._become(descriptors[0])
            return True
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(descriptors[0])
        if pid > 0:
            self._children.add(pid)
        self._reply(pid)
        return False

    def _reply(self, pid: int) -> None:
        """Tell the number of a child, and give the descriptor that stands for it; or an errno, negative."""
        descriptors = []
        if pid > 0 and hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):  # the kernel has none, or this process has none left
                descriptors.append(os.pidfd_open(pid))
        with contextlib.suppress(OSError):  # the supervisor has ended
            socket.send_fds(self._births, [REPLY.pack(pid)], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def _become(self, channel: int) -> None:
        """In a child: be as a process that was started with this channel."""
        signal.set_wakeup_fd(self._woken_before)
        for number, handler in self._handlers.items():
            # None: it was not installed from Python, so Python cannot put it back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        os.close(self._awake)
        os.close(self._wake)
        self._births.close()
        self._channel.close()
        os.dup2(channel, DESCRIPTOR, inheritable=False)
        os.close(channel)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    def _bury(self) -> None:
        """Tell of each worker that has ended. Other children are the application's."""
        for pid in [*self._children]:
            try:
                found, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:  # somebody else has waited for it
                found, status = pid, None
            if found:
                self._children.discard(pid)
                told = None if status is None else os.waitstatus_to_exitcode(status)
                self._channel.send(**{"is": "ended", "pid": pid, "status": told})
