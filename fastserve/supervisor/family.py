"""Which children are there, and what happens to them?

`Supervisor` is the loop that every kind of supervisor has: it starts children, hears what they say, sees them
end, takes signals, and stops everything in order. What to do about any of it, its kinds say: `master.py` for
workers, `reload.py` for an application that is being written.
"""

from __future__ import annotations

import itertools
import os
import pickle
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fastserve._version import __version__
from fastserve.address import parsed
from fastserve.errors import OptionError, StartupError
from fastserve.log import announce, logger, reopen_files, style
from fastserve.sockets import bind, bind_address
from fastserve.statsd import SEND_INTERVAL_S, StatsD
from fastserve.supervisor.census import Census
from fastserve.supervisor.control import Control
from fastserve.supervisor.health import Health
from fastserve.supervisor.identity import identity_of, own_logs
from fastserve.supervisor.pages import Pages, metrics_page
from fastserve.supervisor.process import Process, State, status_of
from fastserve.supervisor.questions import Questions
from fastserve.supervisor.signals import Signals
from fastserve.tally import Numbers
from fastserve.title import entitle

if TYPE_CHECKING:
    from fastserve.config import Config
    from fastserve.sockets import Binding
    from fastserve.supervisor.ipc import HasDescriptor
    from fastserve.systemd import Notifier
    from fastserve.takeover import TakeOver

__all__ = ["WORKER", "Supervisor", "log_process", "order_of"]

#: The module that a worker runs.
WORKER = "supervised"


class Supervisor:
    """Keeps processes that serve on the sockets that `config` names. Raises StartupError and OptionError."""

    def __init__(
        self, config: Config, notifier: Notifier, handed_over: Binding | None, takeover: TakeOver
    ) -> None:
        self.config = config
        self.notifier = notifier
        self.takeover = takeover
        self.children: dict[int, Process] = {}
        #: What `run()` returns in the end.
        self.status = 0
        self.is_stopping = False
        self._forced = 0
        self._begun_s = time.monotonic()
        self.order = order_of(config)
        self._signals = Signals()
        self._selector = selectors.DefaultSelector()
        self.binding = handed_over or bind(config)
        self._control: Control | None = None
        self._health: Health | None = None
        self._census = Census()
        self._questions = Questions()
        self._pages: Pages | None = None
        self._statsd: StatsD | None = None
        self._sent_s = 0.0
        #: Whether workers that serve may ask something: what they say wakes this process then.
        self._is_asked = config.metrics is not None and config.metrics_address is None
        announce(self.binding.address)
        if takeover.predecessor is not None:
            logger.info("Process [%d] serves there too: TERM ends the one or the other", takeover.predecessor)

    # ---- what its kinds say ----

    def started(self) -> None:
        """The loop begins: start children."""
        raise NotImplementedError

    def said(self, child: Process, message: dict[str, Any]) -> None:
        """A child said something. `{"is": "ready"}` has already changed its state."""
        raise NotImplementedError

    def ended(self, child: Process, was: State) -> None:
        """A child has ended, in this state."""
        raise NotImplementedError

    def signalled(self, number: int) -> None:
        """A signal came that is neither about the end of everything nor about log files."""
        raise NotImplementedError

    def turned(self) -> float | None:
        """Do what is due; return in how many seconds to look again at the latest."""
        raise NotImplementedError

    def state(self) -> str:
        """What an operator hears while nothing ends: `starting`, `serving` or `restarting`."""
        raise NotImplementedError

    def wanted(self) -> int:
        """How many workers there should be."""
        return 1

    def scale(self, count: int) -> str | None:
        """Change that number; return why not."""
        return "There is one process while files are watched."

    def stopping(self, number: int) -> None:
        """A signal asks for the end of everything; the children are told after this."""

    # ---- for its kinds ----

    def start(self, module: str, order: object, files: Sequence[HasDescriptor] = ()) -> Process:
        """Start a child that waits for the word to begin. Raises OSError."""
        return self.keep(Process(module, order, files))

    def keep(self, child: Process) -> Process:
        """Watch over a child that has just been started."""
        assert not self.is_stopping  # nobody would end it
        self.children[child.pid] = child
        if child.module == WORKER:
            self._census.started()
        self._selector.register(child.channel, _events(child), lambda: self._hear(child))
        return child

    def start_worker(self, order: dict[str, Any], files: Sequence[HasDescriptor]) -> Process:
        """The same for a worker, whose order says this beside what all workers' say."""
        number = self._free_number()
        order = {**self.order, **order, "number": number, "plain": self.binding.plain}
        child = self.keep(self.new_worker(order, files))
        child.number = number
        return child

    def new_worker(self, order: dict[str, Any], files: Sequence[HasDescriptor]) -> Process:
        """Start the process of a worker. Raises OSError."""
        return Process(WORKER, order, files)

    def _free_number(self) -> int:
        taken = {child.number for child in self.children.values()}
        return next(number for number in itertools.count(1) if number not in taken)

    def is_ready(self) -> bool:
        """Whether a worker serves whose event loop has turned of late, and will go on serving."""
        # What they have said waits for the next look at them: a prober shall not.
        for child in [*self.children.values()]:
            self._hear(child)
        silent_s = self.config.timeout_worker_healthcheck / 2
        if self.takeover.predecessor is not None:
            return True
        return not self.is_stopping and any(
            child.module == WORKER and child.state is State.SERVING and child.silent_s < silent_s
            for child in self.children.values()
        )

    def stop_all(self) -> None:
        """Ask every child to end; `run()` returns when all have."""
        self.is_stopping = True
        if self.takeover.successor is not None:
            self.notifier.replaced_by(self.takeover.successor)
        elif self.takeover.predecessor is None:
            self.notifier.stopping()
        for child in self.children.values():
            if child.is_live and self.takeover.other is None:
                child.stop()
            elif child.is_live:
                child.retire()

    # ---- the loop ----

    def run(self) -> int:
        """Watch until told to stop and until every child has ended; return the exit status."""
        entitle("supervisor", None, self.config.app)
        with self._signals, self._selector:
            self._watch(self._signals, lambda: None)
            try:
                self._open_desks()
                if self.config.statsd is not None:
                    host, _, port = parsed(self.config.statsd)[1].rpartition(":")
                    self._statsd = StatsD(host, int(port))
                self.started()
                while self.children or not self.is_stopping:
                    wait_s = self.turned()
                    if self._statsd is not None:
                        wait_s = self._send_numbers(self._statsd, wait_s)
                    self._turn(wait_s)
                if self._statsd is not None:
                    self._statsd.send(self._census.numbers(()))
            finally:
                # Also if something fails here: no child outlives this process.
                for child in self.children.values():
                    child.kill()
                if self.takeover.other is not None:
                    self.binding.leave()
                self.binding.close()
                self._close_desks()
                if self._statsd is not None:
                    self._statsd.close()
        return self.status

    def _watch(self, file: Any, callback: Callable[[], None], event: int = selectors.EVENT_READ) -> None:
        self._selector.register(file, event, callback)

    def _open_pages(self, address: str) -> None:
        def numbers() -> Numbers:
            for worker in self.workers():
                self._hear(worker)  # the latest
            return self._census.numbers(self.workers())

        answer = metrics_page(numbers)
        binding = bind_address(self.config, address, "http")
        self._pages = Pages(binding, answer, self._watch, self._selector.unregister)
        logger.info("Metrics are on %s, at /metrics", binding.address)

    def _send_numbers(self, statsd: StatsD, wait_s: float | None) -> float:
        """Send them if it is time; return when to look again, `wait_s` at the latest."""
        left_s = self._sent_s + SEND_INTERVAL_S - time.monotonic()
        if left_s <= 0:
            self._sent_s = time.monotonic()
            for worker in self.workers():
                self._hear(worker)  # the latest
            statsd.send(self._census.numbers(self.workers()))
            left_s = SEND_INTERVAL_S
        return left_s if wait_s is None else min(left_s, wait_s)

    def workers(self) -> list[Process]:
        return [child for child in self.children.values() if child.module == WORKER]

    def _open_desks(self) -> None:
        config, forget = self.config, self._selector.unregister
        if config.control_socket is not None:
            self._control = Control(config.control_socket, self._answer, self._watch, forget)
        if config.health_bind is not None:
            self._health = Health(config, config.health_bind, self.is_ready, self._watch, forget)
        if config.metrics_address is not None:
            self._open_pages(config.metrics_address)

    def _open_desks_again(self) -> None:
        try:
            self._open_desks()
        except StartupError as error:
            logger.error("%s", error)

    def _close_desks(self) -> None:
        for desk in (self._control, self._health, self._pages):
            if desk is not None:
                desk.close()
        self._control = self._health = self._pages = None

    def upgrade(self) -> None:
        """Start the process that is to replace this one, unless there are two already."""
        if self.takeover.other is not None:
            logger.error("Received SIGUSR2, but process [%d] serves too.", self.takeover.other)
            return
        if os.getpid() == 1:
            logger.error("Received SIGUSR2, but the first process of a container cannot be replaced.")
            return
        self._close_desks()  # the other one opens them
        try:
            pid = self.takeover.start(self.binding, self.notifier.environment())
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            logger.error("Cannot start another process: %s%s", error.strerror, where)
            self._open_desks_again()
        else:
            logger.info("Received SIGUSR2, starting process [%d] with the same sockets.", pid)

    def _not_replaced(self, status: int) -> None:
        pid = self.takeover.successor
        self.takeover.successor_ended()
        if not self.is_stopping:
            self._open_desks_again()
        told = status_of(os.waitstatus_to_exitcode(status))
        logger.info("Process [%d] has ended: %s. This one goes on.", pid, told)

    def _turn(self, timeout_s: float | None) -> None:
        for key, _ in self._selector.select(timeout_s):
            # Another one of these may have ended it, and yet another may have got its number.
            current = self._selector.get_map().get(key.fd)
            if current is not None and current.fileobj is key.fileobj:
                current.data()
        self._questions.look()
        for child in list(self.children.values()):
            if child.state in (State.SERVING, State.STOPPING):  # what they say does not wake this process
                self._hear(child)
        for number in self._signals.take():
            self._take(number)
        self._reap()

    def _hear(self, child: Process) -> None:
        child.channel.flush()
        for message in child.heard():
            if message.get("is") == "reporting":
                self._questions.answered(child, message.get("requests"))
            elif message.get("is") == "asking":
                child.channel.send(do="numbers", numbers=self._census.numbers(self.workers()))
            self.said(child, message)
        if child.channel in self._selector.get_map():
            is_left_alone = (
                child.module == WORKER
                and child.state in (State.SERVING, State.STOPPING)
                and not (self._is_asked or self._questions.waits_for(child))
            )
            if child.is_silent or is_left_alone:
                self._selector.unregister(child.channel)
            else:
                self._selector.modify(child.channel, _events(child), lambda: self._hear(child))

    def _take(self, number: int) -> None:
        if number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            self._end(number)
        elif number == signal.SIGUSR1:
            self._reopen()
        elif number != signal.SIGCHLD and not self.is_stopping:
            self.signalled(number)

    def _reopen(self) -> None:
        reopen_files()
        own_logs(self.config, self.order["identity"])
        for child in self.children.values():
            child.channel.send(do="reopen")

    def _answer(self, request: dict[str, Any], later: Callable[[dict[str, Any]], None]) -> Any:
        """Do what an operator asks for; return the answer, or None: `later` is called with it."""
        what, count = request.get("do"), request.get("count")
        if what == "status":
            return self._status()
        if what == "numbers":
            return self._told_numbers()
        if what == "requests":
            self._ask_for_requests(later)
            return None
        if what == "reopen":
            self._reopen()
        elif what == "stop":
            self._take(signal.SIGTERM)
        elif self.is_stopping:
            return {"error": "The server is to end."}
        elif what == "reload":
            self._take(signal.SIGHUP)
        elif what == "scale" and type(count) is int and count >= 1:
            error = self.scale(count)
            return {} if error is None else {"error": error}
        else:
            return {"error": f"The server does not know how to do that: {request}"}
        return {}

    def _ask_for_requests(self, later: Callable[[dict[str, Any]], None]) -> None:
        asked = [child for child in self.workers() if child.state in (State.SERVING, State.STOPPING)]
        for child in asked:
            if child.channel not in self._selector.get_map() and not child.is_silent:
                self._selector.register(child.channel, _events(child), partial(self._hear, child))
        self._questions.ask(asked, lambda answers: later({"workers": answers}))

    def _told_numbers(self) -> dict[str, Any]:
        """The status, and what each worker has counted, and all of them."""
        for child in self.workers():
            self._hear(child)  # the latest
        return {
            **self._status(),
            "numbers": {child.pid: child.numbers for child in self.workers()},
            "sum": self._census.numbers(self.workers()),
        }

    def _status(self) -> dict[str, Any]:
        now_s = time.monotonic()
        return {
            "state": "stopping" if self.is_stopping else self.state(),
            "pid": os.getpid(),
            "version": __version__,
            "age_s": round(now_s - self._begun_s, 1),
            "address": self.binding.address,
            "wanted": self.wanted(),
            "workers": [
                {
                    "pid": child.pid,
                    "state": child.state.value,
                    "age_s": round(now_s - child.entered_s, 1),
                    **child.counts,
                }
                for child in self.workers()
            ],
        }

    def _end(self, number: int) -> None:
        """End everything: gracefully; with the second INT, or QUIT, without waiting; with the third, now."""
        first = not self.is_stopping
        if first:
            self.stopping(number)
            self.stop_all()
        if number == signal.SIGQUIT or (number == signal.SIGINT and not first):
            self._forced += 1
            for child in self.children.values():
                if self._forced == 1:
                    child.channel.send(do="force")
                else:
                    child.kill()

    def _reap(self) -> None:
        # Of the first process of a container, orphans are children too. Of any other, children that are not
        # ours are the business of the program that runs this.
        others = [] if self.takeover.successor is None else [self.takeover.successor]
        ours = [pid for pid, child in self.children.items() if child.parent is None]
        for pid in [-1] if os.getpid() == 1 else [*ours, *others]:
            while True:
                try:
                    found, status = os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    found, status = (pid, 0) if pid in self.children else (0, 0)
                if found == 0:
                    break
                if found in others:
                    self._not_replaced(status)
                    break
                if found in self.children:
                    self.bury(found, os.waitstatus_to_exitcode(status))

        for child in [child for child in self.children.values() if child.is_lost]:
            self.bury(child.pid, None)

    def bury(self, pid: int, status: int | None) -> None:
        """Take note of the end of a child; None if nobody can tell how it ended."""
        child = self.children[pid]
        self._hear(child)
        if child.channel in self._selector.get_map():
            self._selector.unregister(child.channel)
        was = child.state
        child.ended(status)
        del self.children[pid]
        if child.module == WORKER:
            self._questions.ended(child)
            self._census.ended(child, self.is_stopping or was is State.STOPPING)
        if was is State.STOPPING and child.crashed:  # with the requests that it was to finish
            logger.error("Child process [%d] died before it had ended: %s", child.pid, status_of(status))
        self.ended(child, was)


def _events(child: Process) -> int:
    return selectors.EVENT_READ | (selectors.EVENT_WRITE if child.channel.pending else 0)


def order_of(config: Config) -> dict[str, Any]:
    """Return what a worker has to know. Raises OptionError for a value that another process cannot get."""
    for name, value in vars(config).items():
        if getattr(value, "__module__", None) == "__main__":
            raise OptionError(f"{name} is of the program itself: another process cannot import it.")
    try:
        data = pickle.dumps(config)
    except Exception as error:  # whatever an object of the user's raises
        raise OptionError(f"An option cannot be given to another process: {error}.") from None
    # The path comes first: it may take it to make sense of the rest.
    identity = identity_of(config)
    own_logs(config, identity)
    return {"path": sys.path, "argv": sys.argv, "config": data, "identity": identity}


def log_process(message: str, *arguments: object) -> None:
    """Log a line about this process, whose number is the message's first `%s`."""
    coloured = {"color_message": message.replace("%s", style("%s", "cyan", bold=True))}
    logger.info(message, os.getpid(), *arguments, extra=coloured)
