"""When does an application that is being written start anew?

Whenever a file of it changes. One process serves; a second one watches the files (`watch.py`); a third, once
the first serves, has imported all but the application and waits to be the next, which then is not long in
coming. An application that cannot start leaves the watcher waiting for the next change. The listening sockets
belong to this process: connections that come meanwhile wait in them.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastserve.log import logger
from fastserve.supervisor.family import Supervisor, log_process
from fastserve.supervisor.process import Process, State, status_of
from fastserve.watch import Selection, watcher

if TYPE_CHECKING:
    from fastserve.config import Config
    from fastserve.sockets import Binding
    from fastserve.systemd import Notifier
    from fastserve.takeover import TakeOver

__all__ = ["Reloader"]

#: How long a process that is to end may hold the next one up: it has requests to finish.
_PATIENCE_S = 0.5
#: How often to look after a process that is to end.
_TICK_S = 1.0


class Reloader(Supervisor):
    """Keeps one process that serves the application as its files are now."""

    def __init__(
        self, config: Config, notifier: Notifier, handed_over: Binding | None, takeover: TakeOver
    ) -> None:
        self._selection = Selection.of(config)
        if self._selection.fell_back:
            logger.warning(
                "Provided reload directories %s did not contain valid directories, "
                "watching current working directory.",
                config.reload_dirs,
            )
        logger.info(
            "Will watch for changes in these directories: %s",
            [str(path) for path in self._selection.directories],
        )
        config.shutdown_delay_s = 0.0  # nobody else is to hear that it ends
        super().__init__(config, notifier, handed_over, takeover)
        if config.processes > 1:
            logger.warning('"workers" flag is ignored when reloading is enabled.')
        if config.preload:
            logger.warning('"preload" flag is ignored when reloading is enabled.')
        self._watcher: Process | None = None
        self._worker: Process | None = None
        self._spare: Process | None = None
        #: Whether the application is to start as soon as the worker has ended.
        self._is_due = True

    def run(self) -> int:
        status = super().run()
        log_process("Stopping reloader process [%s]")
        return status

    def started(self) -> None:
        log_process("Started reloader process [%s] using %s", watcher())
        order = (self._selection, self.config.reload_delay, time.time())
        self._watcher = self.start("watch", order)

    def said(self, child: Process, message: dict[str, Any]) -> None:
        if child is self._watcher:
            paths = ", ".join(map(_shown, message["changed"]))
            logger.warning("%s detected changes in %s. Reloading...", watcher(), paths)
            self._restart()
        elif child is self._worker and child.due is not None:
            self._restart()
        elif child is self._worker and child.state is State.SERVING and message.get("is") == "ready":
            self.notifier.ready("Serving, and watching files")
            self._spare = self._spare or self._worker_of_now()

    def ended(self, child: Process, was: State) -> None:
        if child is self._spare:
            self._spare = None
        elif child is self._worker:
            self._worker = None
            if was is not State.STOPPING:
                assert child.status is not None
                logger.error(
                    "Child process [%d] died: %s. Waiting for changes...", child.pid, status_of(child.status)
                )
        elif child is self._watcher and was is not State.STOPPING:
            assert child.status is not None
            logger.error("Process [%d], which watches, died: %s", child.pid, status_of(child.status))
            self._watcher = None
            self.status = 1
            self.stop_all()

    def state(self) -> str:
        worker = self._worker
        return worker.state.value if worker is not None else "waiting for changes"

    def signalled(self, number: int) -> None:
        if number == signal.SIGHUP:
            logger.info("Received SIGHUP, reloading.")
            self._restart()

    def _restart(self) -> None:
        self._is_due = True
        if self._worker is not None and self._worker.is_live:
            self._worker.stop()

    def turned(self) -> float | None:
        stopping = [child for child in self.children.values() if child.state is State.STOPPING]
        for child in stopping:
            if child.silent_s >= self.config.timeout_worker_healthcheck:
                child.kill()
        if self._is_due and not self.is_stopping:
            left_s = 0.0
            if self._worker is not None:
                left_s = self._worker.entered_s + _PATIENCE_S - time.monotonic()
            if left_s > 0:
                return left_s
            self._begin()
        self.notifier.alive()
        return _TICK_S if stopping else self.notifier.interval_s

    def _begin(self) -> None:
        self._is_due = False
        # If the former worker is not done with its requests, it is left to them.
        self._worker, self._spare = self._spare or self._worker_of_now(), None
        self._worker.begin()

    def _worker_of_now(self) -> Process:
        return self.start_worker({}, self.binding.sockets)


def _shown(path: str) -> str:
    try:
        return f"'{Path(path).relative_to(os.getcwd())}'"
    except ValueError:
        return f"'{path}'"
