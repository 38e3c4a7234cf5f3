"""How many workers serve, and which of them has to go?

`_balance` compares what there is with what there should be; everything that happens only changes the one or
the other: a worker ends, a signal asks for more or fewer, a restart wants one more until the new one is ready
and the old one may go.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastserve.board import SLOTS_MAX
from fastserve.errors import STARTUP_FAILURE, OptionError
from fastserve.log import logger
from fastserve.supervisor.family import WORKER, Supervisor, log_process, order_of
from fastserve.supervisor.places import Places
from fastserve.supervisor.preloader import PRELOADER, Forked, Preloader, told_end
from fastserve.supervisor.process import Process, State, status_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastserve.config import Config
    from fastserve.sockets import Binding
    from fastserve.supervisor.ipc import HasDescriptor
    from fastserve.systemd import Notifier
    from fastserve.takeover import TakeOver

__all__ = ["Master"]

#: How often to look after workers, which say every so often that they live.
_TICK_S = 1.0
#: A worker that has served for so long did not fail because it cannot work.
_PROVEN_S = 10.0
#: So many ends in a row, before any worker serves, and it is given up.
_BOOT_FAILURES_MAX = 5
#: A worker that has said nothing for so long does not accept connections.
_SILENT_S = 2.5
#: What a worker that is to be killed may take to tell what it does.
_LAST_WORDS_S = 1.0
#: What a restart of the workers cannot change.
_OF_THE_PARENT = (
    "bind", "insecure_bind", "health_bind", "host", "port", "uds", "uds_mode", "uds_owner", "uds_group", "fd",
    "reuse_port", "control_socket", "pid_file", "umask", "reload", "metrics", "statsd",
)  # fmt: skip
#: An old and a new one may be side by side for each.
_WORKERS_MAX = SLOTS_MAX // 2
_BACKOFF_S = 0.5
_BACKOFF_MAX_S = 30.0


class Master(Supervisor):
    """Keeps `config.processes` workers that serve on the same sockets."""

    def __init__(
        self,
        config: Config,
        notifier: Notifier,
        handed_over: Binding | None,
        takeover: TakeOver,
        read_again: Callable[[], Config] | None,
    ) -> None:
        super().__init__(config, notifier, handed_over, takeover)
        self._read_again = read_again
        self._wanted = config.processes
        if config.reuse_port:
            self.binding.multiply(config.processes)
        self._places = Places(self.binding)
        #: Workers that failed, one after the other: the next start waits the longer.
        self._failures = 0
        self._is_ready = False
        self._start_at_s = 0.0
        #: A restart in progress: who is still to be replaced, who is being replaced, and by whom.
        self._outdated: list[Process] = []
        self._old: Process | None = None
        self._new: Process | None = None
        #: With --preload: who forks workers, and who is to do so once the application is imported.
        self._preloader: Preloader | None = None
        self._next_preloader: Preloader | None = None
        #: Whether a restart waits for the latter.
        self._is_outdated = False

    def run(self) -> int:
        status = super().run()
        log_process("Stopping parent process [%s]")
        return status

    def started(self) -> None:
        log_process("Started parent process [%s]")

    def said(self, child: Process, message: dict[str, Any]) -> None:
        if child is self._new and child.state is State.SERVING:
            old, self._old, self._new = self._old, None, None
            assert old is not None
            self._retire(old)
        elif isinstance(child, Preloader):
            self._preloader_said(child, message)

    def ended(self, child: Process, was: State) -> None:
        self._places.leave(child.pid)
        if child is self._preloader:
            self._preloader = None
        if self.is_stopping or was is State.STOPPING:
            return
        what = ", which preloads the application," if child.module == PRELOADER else ""
        logger.error("Child process [%d]%s died: %s", child.pid, what, status_of(child.status))
        if child is self._next_preloader:
            self._next_preloader = None
            if self._preloader is not None:
                logger.error("Keeping all child processes and aborting the restart.")
        elif child is self._new:
            assert self._old is not None
            logger.error("Keeping child process [%d] and aborting the restart.", self._old.pid)
            self._old = self._new = None
            self._outdated.clear()
        elif child is self._old:
            self._old = self._new = None  # who was to replace it has its place
        self._failed(child)

    def _failed(self, child: Process) -> None:
        """Count what is not to be repeated for ever."""
        now_s = time.monotonic()
        if child.served_s is not None and now_s - child.served_s >= _PROVEN_S:
            self._failures = 0
            return
        self._failures += 1
        if self._failures > 1:
            delay_s = min(_BACKOFF_MAX_S, _BACKOFF_S * 2.0 ** (self._failures - 2))
            self._start_at_s = now_s + delay_s
        served = child.served_s is not None
        if served or any(other.state is State.SERVING for other in self.workers()):
            return
        if child.status == STARTUP_FAILURE or self._failures >= _BOOT_FAILURES_MAX:
            logger.error("Child process [%d] failed to start, stopping the parent process.", child.pid)
            self.status = STARTUP_FAILURE
            self.stop_all()

    def signalled(self, number: int) -> None:
        if number == signal.SIGHUP:
            logger.info("Received SIGHUP, restarting processes.")
            self._restart()
        elif number == signal.SIGUSR2:
            self.upgrade()
        elif number == signal.SIGTTIN:
            logger.info("Received SIGTTIN, increasing the number of processes.")
            if self._wanted == _WORKERS_MAX:
                logger.info("Already reached %d processes, cannot increase their number.", _WORKERS_MAX)
            else:
                self._wanted += 1
        elif number == signal.SIGTTOU:
            logger.info("Received SIGTTOU, decreasing number of processes.")
            if self._wanted == 1:
                logger.info("Already reached one process, cannot decrease the number of processes anymore.")
            else:
                self._wanted -= 1

    def state(self) -> str:
        return "serving" if self._is_ready else "restarting" if self._is_restarting else "starting"

    def wanted(self) -> int:
        return self._wanted

    def scale(self, count: int) -> str | None:
        if count > _WORKERS_MAX:
            return f"There may be {_WORKERS_MAX} workers."
        logger.info("Changing the number of processes to %d.", count)
        self._wanted = count
        return None

    def _restart(self) -> None:
        if self._read_again is not None:
            try:
                config = self._read_again()
                self.order = order_of(config)
            except OptionError as error:
                logger.error("%s Keeping all child processes and the configuration.", error)
                self._reloading()  # and is done with it: who asked waits for that
                return
            for name in _OF_THE_PARENT:
                if getattr(config, name) != getattr(self.config, name):
                    logger.warning("%s has changed: that takes effect when the parent process starts.", name)
            if config.processes != self.config.processes:
                self._wanted = config.processes
            self.config = config
        if self.config.preload:
            self._is_outdated = True
        else:
            self._outdated = [child for child in self.workers() if child.is_live]
        self._reloading()

    def _reloading(self) -> None:
        self.notifier.reloading()
        self._is_ready = False

    def stopping(self, number: int) -> None:
        logger.info("Received %s, exiting.", signal.Signals(number).name)

    def stop_all(self) -> None:
        live = [child for child in self.workers() if child.is_live]
        super().stop_all()
        for what in ("Terminated child process [%d]", "Waiting for child process [%d]"):
            for child in live:
                logger.info(what, child.pid)

    def turned(self) -> float | None:
        self._judge()
        self.notifier.alive()
        wait_s = _TICK_S
        if not self.is_stopping:
            self._preload()
            self._roll()
            wait_s = self._balance()
            self._spread()
            self._notify()
        return min(wait_s, self.notifier.interval_s or wait_s)

    def _spread(self) -> None:
        """See to it that each socket has a worker that accepts from it."""
        accepting = [
            child.pid
            for child in self.workers()
            if child.state is State.SERVING and child.silent_s < _SILENT_S
        ]
        for pid, sets in self._places.spread(accepting).items():
            self.children[pid].channel.send(do="listen", sets=sets)

    def _notify(self) -> None:
        """Tell how many serve: the first time, and when a restart has ended, that the server is ready."""
        count = sum(child.state is State.SERVING for child in self.workers())
        status = f"{count} of {self._wanted} workers serve"
        if count and not self._is_ready and not self._is_restarting:
            self._is_ready = True
            self.notifier.ready(status)
        elif self._is_ready:
            self.notifier.status(status)

    @property
    def _is_restarting(self) -> bool:
        is_imported_again = self._is_outdated or (self._preloader is not None and self._next_preloader)
        return bool(self._outdated or self._new or is_imported_again)

    def _judge(self) -> None:
        """Ask workers to end whose loop does not turn, and kill those that do not end, or never serve."""
        for child in self.children.values():
            if child.state is State.STARTING:
                self._judge_start(child)
            elif child.module == PRELOADER and (child.state is State.SERVING or self._has_forked(child)):
                pass  # it says only what becomes of its children
            elif child.silent_s >= self.config.timeout_worker_healthcheck:
                is_told = child.state is State.SERVING
                what = "it is told to end" if is_told else "it is killed"
                logger.error(
                    "Child process [%d] has not answered for %.1f seconds: %s",
                    child.pid,
                    child.silent_s,
                    what,
                )
                if is_told:
                    child.suspect()
                    child.stop()  # by a signal: it may hear nothing else
                else:
                    child.kill()

    def _judge_start(self, child: Process) -> None:
        timeout_s = self.config.worker_boot_timeout_s
        late_s = time.monotonic() - child.entered_s - timeout_s
        if timeout_s == 0 or late_s < 0:
            return
        if not child.is_suspect:
            logger.error("Child process [%d] has not started in %g seconds", child.pid, timeout_s)
            child.suspect()
        elif late_s >= _LAST_WORDS_S:
            child.kill()

    def _retire(self, child: Process) -> None:
        if child.is_live:
            child.retire()
            logger.info("Terminated child process [%d]", child.pid)

    def _roll(self) -> None:
        """Begin to replace the next worker that is outdated, or due, if none is being replaced."""
        if self._old is not None or time.monotonic() < self._start_at_s:
            return
        self._outdated = [child for child in self._outdated if child.is_live]
        if not self._outdated:
            due = next(filter(self._is_due, self.workers()), None)
            self._outdated = [] if due is None else [due]
        if self._outdated:
            self._new = self._start(self._outdated[0])
            if self._new is not None:
                self._old = self._outdated.pop(0)

    def _is_due(self, child: Process) -> bool:
        if child.state is not State.SERVING or child.due is None:
            return False
        logger.info("Replacing child process [%d], which %s", child.pid, child.due)
        return True

    def _balance(self) -> float:
        """Start or retire workers until there are as many as there should be; return when to look again."""
        live = [child for child in self.workers() if child.is_live and child is not self._new]
        for child in live[self._wanted :]:
            self._retire(child)
        for _ in range(self._wanted - len(live)):
            wait_s = self._start_at_s - time.monotonic()
            if wait_s > 0:
                return min(wait_s, _TICK_S)
            if self._start() is None:
                break
        return min(
            _TICK_S,
            self.config.timeout_worker_healthcheck / 4,
            self.config.worker_boot_timeout_s / 4 or _TICK_S,
        )

    def _start(self, old: Process | None = None) -> Process | None:
        """Start a worker, now or, if the system has nothing left for it, a little later."""
        if self.config.preload and self._preloader is None:
            return None
        place = self._places.free(None if old is None else old.pid)
        try:
            child = self.start_worker(self._places.order(place), self._places.files)
        except OSError as error:
            self._not_started(error)
            return None
        self._places.take(child.pid, place)
        child.begin()
        return child

    def _not_started(self, error: OSError) -> None:
        logger.error("Cannot start a child process: %s", error.strerror)
        self._start_at_s = time.monotonic() + _TICK_S

    def new_worker(self, order: dict[str, Any], files: Sequence[HasDescriptor]) -> Process:
        if self._preloader is None:
            return super().new_worker(order, files)
        return Forked(self._preloader, WORKER, order, files)

    # ---- who forks ----

    def _preload(self) -> None:
        """See to it that there is who forks, and that those who are not needed any more end."""
        if not self.config.preload:  # any more
            self._preloader = None
        elif self._is_outdated or self._preloader is self._next_preloader is None:
            self._import()
        for child in self.children.values():
            if child.module != PRELOADER or child.state is not State.SERVING or child is self._preloader:
                continue
            if not self._has_forked(child):
                child.stop()

    def _has_forked(self, preloader: Process) -> bool:
        return any(child.parent is preloader for child in self.children.values())

    def _import(self) -> None:
        if time.monotonic() < self._start_at_s:
            return
        if self._next_preloader is not None:  # it may have imported what has changed since
            self._next_preloader.stop()
            self._next_preloader = None
        try:
            self._next_preloader = Preloader(self.order)
        except OSError as error:
            self._not_started(error)
            return
        self._is_outdated = False
        self.keep(self._next_preloader)
        self._next_preloader.begin()

    def _preloader_said(self, child: Preloader, message: dict[str, Any]) -> None:
        end = told_end(message)
        if end is not None:
            pid, status = end
            if pid in self.children and self.children[pid].parent is child:
                self.bury(pid, status)
        elif child is self._next_preloader and child.state is State.SERVING:
            self._preloader, self._next_preloader = child, None
            # Also if its predecessor has died: their parent is to see to all workers.
            self._outdated = [
                worker for worker in self.workers() if worker.is_live and worker.parent is not child
            ]
