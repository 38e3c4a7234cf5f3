"""How does gunicorn's arbiter run this server?

    gunicorn -k fastserve.workers.FastserveWorker app:app

The arbiter binds, forks, imports the application in the worker, watches a heartbeat, and speaks by signals.
The worker says what it has to say through gunicorn's log.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

from fastserve.config import Config
from fastserve.errors import OptionError, StartupError
from fastserve.log import access_logger, logger
from fastserve.server import Server

if TYPE_CHECKING:
    import socket

__all__ = ["FastserveWorker"]

#: How often the arbiter hears that the event loop turns, where its timeout leaves that much time.
_HEARTBEAT_S = 1.0
#: How long before the arbiter kills a worker that ends gracefully the requests in flight are cancelled: so
#: that they see it, and the application its shutdown.
_CANCEL_BEFORE_KILL_S = 2.0


class FastserveWorker(Worker):  # type: ignore[misc]
    """A worker of gunicorn's that serves an ASGI or a WSGI application.

    `CONFIG_KWARGS` of a subclass are more keywords for `fastserve.Config`, before gunicorn's settings.
    """

    CONFIG_KWARGS: ClassVar[Mapping[str, Any]] = {"loop": "auto", "http": "auto"}

    #: The one that runs, from `run()` on.
    server: Server | None = None

    def load_wsgi(self) -> None:
        """Import the application. With gunicorn's `reload`, one that cannot be parsed waits to be mended."""
        try:
            self.wsgi = self.app.wsgi()
        except SyntaxError as error:
            if not self.cfg.reload:
                raise
            self.log.exception(error)
            if self.reloader is not None and error.filename is not None:
                self.reloader.add_extra_file(error.filename)
            with io.StringIO() as text:
                traceback.print_exception(error, file=text)
                self.wsgi = _telling(text.getvalue())

    def init_signals(self) -> None:
        """Take the arbiter's signals; what it does not send does what it does in any program."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, self.handle_exit)
        signal.signal(signal.SIGQUIT, self.handle_quit)
        signal.signal(signal.SIGINT, self.handle_quit)
        signal.signal(signal.SIGUSR1, self.handle_usr1)
        signal.signal(signal.SIGABRT, self.handle_abort)
        signal.signal(signal.SIGWINCH, self.handle_winch)
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.siginterrupt(number, False)

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        """TERM: requests in flight are finished, within gunicorn's `graceful_timeout`."""
        self.alive = False
        if self.server is not None:
            self.server.should_exit = True

    def handle_quit(self, number: int, frame: FrameType | None) -> None:
        """QUIT and INT: requests in flight are cancelled."""
        self.alive = False
        self.cfg.worker_int(self)
        if self.server is not None:
            self.server.force_exit = True

    def handle_usr1(self, number: int, frame: FrameType | None) -> None:
        """USR1: log files were moved away."""
        self.log.reopen_files()
        if self.server is not None:
            self.server.reopen_logs()

    def handle_abort(self, number: int, frame: FrameType | None) -> None:
        """ABRT: the arbiter has waited for a heartbeat in vain."""
        self.cfg.worker_abort(self)
        # Not SystemExit: whatever blocks the event loop could catch it, and nothing that waits for the loop
        # would come to an end.
        os._exit(1)

    def run(self) -> None:
        """Serve until the arbiter says otherwise. Exits with gunicorn's status for what cannot start."""
        _join_log(logger, self.log.error_log)
        _join_log(access_logger, self.log.access_log)
        try:
            self.server = _Server(Config(self.wsgi, **self._options()), self)
            if not self.alive:  # the signal came while the application was imported
                return
            self.server.run([listener.sock for listener in self.sockets])
        except (OptionError, StartupError) as error:
            logger.error("%s", error, exc_info=error.__cause__)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def _options(self) -> dict[str, Any]:
        """Return gunicorn's settings as keywords of a Config."""
        cfg = self.cfg
        grace_s = float(cfg.graceful_timeout)
        options: dict[str, Any] = {
            "log_config": None,
            "timeout_keep_alive": float(cfg.keepalive),
            "timeout_graceful_shutdown": max(grace_s - _CANCEL_BEFORE_KILL_S, grace_s / 2),
            "forwarded_allow_ips": cfg.forwarded_allow_ips,
            "workers": max(1, cfg.workers),  # for what a WSGI application is told
        }
        if cfg.threads > 1:  # 1 is gunicorn's default
            options["wsgi_threads"] = cfg.threads
        if cfg.backlog:
            options["backlog"] = cfg.backlog
        if cfg.max_requests > 0:
            options["limit_max_requests"] = self.max_requests  # with its jitter
        if cfg.proxy_protocol != "off":
            options["proxy_protocol"] = True
            options["proxy_allow_ips"] = cfg.proxy_allow_ips
        if cfg.is_ssl:
            of_gunicorn = cfg.ssl_options
            for name in ("keyfile", "certfile", "ssl_version", "cert_reqs", "ca_certs", "ciphers"):
                options["ssl_" + name.removeprefix("ssl_")] = of_gunicorn[name]
            options["ssl_context_factory"] = lambda config, default: cfg.ssl_context(cfg, default)
        return options | dict(self.CONFIG_KWARGS)


class _Server(Server):
    """One that a worker's arbiter watches and tells when to end."""

    is_one_of_many = True

    def __init__(self, config: Config, worker: FastserveWorker) -> None:
        super().__init__(config)
        self._worker = worker

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()  # they are the worker's

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        beating = asyncio.ensure_future(self._beat())
        try:
            with self._woken():
                await super().serve(sockets)
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        """Tell the arbiter that the event loop turns, from start-up to shutdown; end where it is gone."""
        worker = self._worker
        # The worker's `timeout` is half of the arbiter's; without one, 0.
        interval_s = min(_HEARTBEAT_S, worker.timeout / 2) or _HEARTBEAT_S
        while True:
            worker.notify()
            if os.getppid() != worker.ppid and not self.should_exit:
                logger.info("The arbiter is gone: shutting down")
                self.should_exit = True
            await asyncio.sleep(interval_s)

    @contextlib.contextmanager
    def _woken(self) -> Iterator[None]:
        """Hear of a changed file: gunicorn's reloader, a thread, writes to the worker's pipe."""
        loop = asyncio.get_running_loop()
        pipe = self._worker.PIPE[0]

        def wake() -> None:
            with contextlib.suppress(BlockingIOError):
                os.read(pipe, 4096)
            if not self._worker.alive:
                self.should_exit = True

        loop.add_reader(pipe, wake)
        try:
            yield
        finally:
            loop.remove_reader(pipe)


def _join_log(ours: logging.Logger, theirs: logging.Logger) -> None:
    """Let records of ours go where gunicorn's go; the list itself, as it may open another file later."""
    ours.handlers = theirs.handlers
    ours.setLevel(theirs.level)
    ours.propagate = False


def _telling(text: str) -> Any:
    """Return an application that answers every request with this text, as an error of the server."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        headers = [(b"content-type", b"text/plain; charset=utf-8")]
        await send({"type": "http.response.start", "status": 500, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    return app
