"""How does a server run under the supervisor?

What a worker process runs (`supervisor/process.py` starts it): the order comes first, then the application is
imported and served as in a process of its own; with `--preload`, it was imported before the process was
forked. The event loop says every so often that it turns; a thread hears what the supervisor says, so that it
is heard while the loop is blocked, and ends the process when the supervisor has gone, however that happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pickle
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fastserve.balance import Balance
from fastserve.board import Board
from fastserve.core import find
from fastserve.errors import STARTUP_FAILURE, StartupError
from fastserve.log import logger, reopen_files
from fastserve.server import Server
from fastserve.serving import report
from fastserve.stacks import told
from fastserve.supervisor.ipc import Channel
from fastserve.supervisor.process import leave_to_parent
from fastserve.tally import Numbers
from fastserve.title import entitle
from fastserve.wakeup import woken_by_signals

if TYPE_CHECKING:
    from fastserve.config import Config
    from fastserve.sockets import Binding

__all__ = ["main", "prepared", "serve", "told_to_begin"]

#: How often the loop tells that it turns, where it need not be more often.
_BEAT_S = 1.0
#: The share of its lifetime that a worker may die early.
_LIFETIME_SPREAD = 0.1
#: How long requests may take when it ends, where no option says it: another one waits for its memory.
_GRACEFUL_S = 30.0
#: And, of an orphan, all the rest of its end.
_ORPHAN_GRACE_S = 5.0


def main() -> None:
    """Serve as the supervisor at the other end of the channel says; exit with 3 if that cannot begin."""
    leave_to_parent()
    channel = Channel.of_child()
    try:
        order, descriptors = channel.receive_order()
    except EOFError:
        return
    serve(channel, prepared(order), order, descriptors)


def prepared(order: dict[str, Any]) -> Config:
    """Become who the order says, and import what serving takes, but the application; return its options."""
    if order["identity"] is not None:
        order["identity"].assume()
    sys.path[:] = order["path"]
    sys.argv[:] = order["argv"]
    config: Config = pickle.loads(order["config"])
    config.configure_logging()
    if config.timeout_graceful_shutdown is None:
        config.timeout_graceful_shutdown = _GRACEFUL_S
    _warm_up(config)
    return config


def serve(channel: Channel, config: Config, order: dict[str, Any], descriptors: list[int]) -> None:
    """Serve once told to begin, until told to end. Exits with 3 if that cannot begin."""
    if not told_to_begin(channel):
        return
    entitle("worker", order["number"], config.app)
    place = _Place(order, descriptors)
    server = _Worker(config, channel, place, order["plain"])
    threading.Thread(target=server.obey, name="fastserve supervisor", daemon=True).start()
    try:
        config.load_app()
        server.run(place.sockets)
    except StartupError as error:
        report(error)
        sys.exit(STARTUP_FAILURE)


def told_to_begin(channel: Channel) -> bool:
    """Wait for the word to begin; return whether it came before the supervisor's end."""
    while (messages := channel.receive(wait=True)) is not None:
        if {"do": "reopen"} in messages:
            reopen_files()
        if {"do": "begin"} in messages:
            return True
    return False


def _warm_up(config: Config) -> None:
    """Import what serving takes, but for the application, which may not be ready to be imported."""
    with contextlib.suppress(StartupError):  # told where it is needed
        find(config.http).part("ASGIDriver")
    if config.loop in ("auto", "uvloop"):
        with contextlib.suppress(StartupError):  # told where the loop is made
            config.get_loop_factory()


class _Place:
    """Where this worker accepts connections (`supervisor/places.py` says what the order tells)."""

    def __init__(self, order: dict[str, Any], descriptors: list[int]) -> None:
        self.balance: Balance | None = None
        if order.get("slot") is not None:
            board = Board(descriptors.pop(0))
            ends = (socket.socket(fileno=descriptors.pop(0)), socket.socket(fileno=descriptors.pop(0)))
            self.balance = Balance(board, order["slot"], ends)
        self.sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        rest = iter(self.sockets)
        self._shared = [*itertools.islice(rest, order.get("shared"))]
        self._sets = [[*itertools.islice(rest, count)] for count in order.get("sets", ())]
        self.listens: list[int] = order.get("listens", [])

    @property
    def listened_on(self) -> list[socket.socket]:
        return [*self._shared, *(sock for number in self.listens for sock in self._sets[number])]


class _Worker(Server):
    has_parent = True

    def __init__(self, config: Config, channel: Channel, place: _Place, plain: Sequence[Any]) -> None:
        super().__init__(config)
        self._plain = plain
        self._channel = channel
        self._place = place
        self._balance = place.balance
        self._is_due = False
        self.has_operator = config.control_socket is not None
        #: Who waits for the numbers of all workers.
        self._asking: list[Callable[[Numbers], None]] = []
        self._beat_s = min(_BEAT_S, config.timeout_worker_healthcheck / 4)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """TERM asks for a graceful end, and is not raised again: the supervisor knows what it has sent."""
        with woken_by_signals():
            signal.signal(signal.SIGTERM, self.handle_exit)
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self._beat(loop)
        await super().startup(sockets)
        if self.started:
            self._channel.send(**{"is": "ready"})
            lifetime_s = self.config.worker_lifetime_s
            if lifetime_s:
                # Not all at once that were started at once.
                lifetime_s *= 1 - _LIFETIME_SPREAD * random.random()
                loop.call_later(lifetime_s, self._end_is_due, f"has served for {lifetime_s:.0f} seconds")

    def _listened_on(self, binding: Binding) -> Sequence[socket.socket]:
        return self._place.listened_on

    def _listen_on(self, sets: list[int]) -> None:
        self._place.listens = sets
        if self._intake is not None:
            self._intake.change(self._place.listened_on)

    def limit_reached(self, count: int) -> None:
        """Serve on until another has taken the place."""
        self._end_is_due(f"has answered {count} requests")

    def _end_is_due(self, why: str) -> None:
        if not self._is_due:
            self._is_due = True
            self._channel.send(**{"is": "due", "why": why})

    def _check_memory(self, size: int) -> None:
        if 0 < self.config.worker_memory_bytes_max < size:
            self._end_is_due(f"has {size} bytes of memory")

    def _counts(self) -> dict[str, Any]:
        counts: dict[str, Any] = {
            "requests": self.server_state.total_requests,
            "connections": len(self.server_state.connections),
            "memory_bytes": resident_bytes(),
        }
        if self._pool is not None:
            counts["wsgi"] = self._pool.load()
        return counts

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        counts = self._counts()
        self._tell_counts(counts)
        self._check_memory(counts["memory_bytes"])
        if self._balance is not None:
            self._balance.turned()
        loop.call_later(self._beat_s, self._beat, loop)

    def _tell_counts(self, counts: dict[str, Any]) -> None:
        numbers = {"numbers": self._measuring.snapshot()} if self._measuring is not None else {}
        self._channel.send(**{"is": "alive", "counts": counts, **numbers})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.started:
            self._tell_counts(self._counts())  # the last requests too

    def collect_numbers(self, taker: Callable[[Numbers], None]) -> None:
        """Those of all workers: the supervisor has them."""
        self._asking.append(taker)
        self._tell_counts(self._counts())
        self._channel.send(**{"is": "asking"})

    def _hand_out(self, numbers: Numbers) -> None:
        asking, self._asking = self._asking, []
        for taker in asking:
            taker(numbers)

    def obey(self) -> None:
        """Do what the supervisor says, in a thread of its own, until it has gone."""
        # A signal is to interrupt the main thread, which handles it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while (messages := self._channel.receive(wait=True)) is not None:
            for message in messages:
                self._do(message["do"], message)
        logger.error("The parent process has ended: process [%d] ends too", os.getpid())
        os.kill(os.getpid(), signal.SIGTERM)
        config = self.config
        time.sleep(config.shutdown_delay_s + (config.timeout_graceful_shutdown or 0) + _ORPHAN_GRACE_S)
        os.kill(os.getpid(), signal.SIGKILL)

    def _report(self) -> list[dict[str, Any]]:
        try:
            return self.requests()
        except Exception:  # what they are doing changes while it is looked at
            logger.exception("Cannot tell what the requests are doing")
            return []

    def _do(self, what: str, message: dict[str, Any]) -> None:
        if what == "force":
            self.force_exit = True
        elif what == "retire":
            # Others accept from now on, and nobody waits for this process: clients may go in peace.
            self.config.shutdown_delay_s = 0.0
            self._farewell_s = self.config.timeout_keep_alive
            self.should_exit = True
        elif what == "tell":
            logger.error("Process [%d], which has not answered, is here:\n%s", os.getpid(), told())
        elif what == "reopen":
            self.reopen_logs()
        elif what == "listen":
            self._call_soon(lambda: self._listen_on(message["sets"]))
        elif what == "report":
            # Here, and not on the loop: who asks may want to know why the loop stands still.
            self._channel.send(**{"is": "reporting", "requests": self._report()})
        elif what == "numbers" and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._hand_out, message["numbers"])


def resident_bytes() -> int:
    """Return the memory of this process that is in use; where the system does not tell, the most it was."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
