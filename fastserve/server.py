"""How does one process serve?

A `Server` starts the application, listens, and takes everything down again in order: no new connections, idle
ones closed, requests finished or cancelled at the deadline, the application's shutdown, the access log's last
lines. It runs in a loop of its own (`run()`) or in one that somebody else runs (`await serve()`), and never
ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from fastserve import access, observation, signals
from fastserve.asgi.lifespan import Lifespan
from fastserve.config import HTTP_IMPLEMENTATIONS, Config
from fastserve.core import Core, find
from fastserve.drivers import driver_for, upgrade_for
from fastserve.errors import StartupError
from fastserve.intake import Intake
from fastserve.log import announce, logger, reopen_files, style
from fastserve.server_state import ServerState
from fastserve.sockets import Binding, address_error, bind, given
from fastserve.threads import Threads

if TYPE_CHECKING:
    import socket

    from fastserve.balance import Balance
    from fastserve.measuring import Measuring
    from fastserve.tally import Numbers
    from fastserve.telling import Telling
    from fastserve.tls.credentials import Credentials

__all__ = ["Server", "ServerState", "run_in_loop"]

#: Connections that finish within this time are not worth the line that says what is waited for. Its first
#: half is for requests on their way: a client that has just connected would not try again.
_QUIET_S = 0.1
#: How long a cancelled request may take to clean up and answer before its connection is cut.
_CANCEL_GRACE_S = 1.0


class Server:
    """One server of one application.

    `started` tells that it has begun to listen. Setting `should_exit` ends it gracefully, setting
    `force_exit` as well without waiting for requests; both may be set from any thread. `servers` are the
    event loop's listening servers, `server_state` tells of their connections and requests.
    """

    #: Whether another process watches over this one.
    has_parent = False
    #: Whether others that are configured alike serve beside it.
    is_one_of_many = False
    #: Whether somebody may ask that one what this one does.
    has_operator = False

    def __init__(self, config: Config) -> None:
        self.config = config
        self.started = False
        self.servers: list[asyncio.AbstractServer] = []
        self.server_state = ServerState(lambda: self._endpoint)
        self._should_exit = False
        self._force_exit = False
        self._forced = 0
        #: How long a connection without a request stays open for one to come.
        self._farewell_s = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()
        self._binding: Binding | None = None
        #: The names of sockets that are given to it and speak plain HTTP beside those that speak TLS.
        self._plain: Sequence[Any] = ()
        self._lifespan: Lifespan | None = None
        self._threads: Threads | None = None
        self._driver: Any = None
        self._thread = 0
        self._endpoint: Any = None
        #: The threads of a WSGI application.
        self._pool: Any = None
        self._access_log: Any = None
        self._intake: Intake | None = None
        #: How connections are shared with other processes.
        self._balance: Balance | None = None
        self._loop_watch: Any = None
        self._measuring: Measuring | None = None
        self._telling: Telling | None = None
        self._stop_tls: Callable[[], None] | None = None

    @property
    def should_exit(self) -> bool:
        return self._should_exit

    @should_exit.setter
    def should_exit(self, value: bool) -> None:
        self._should_exit = value
        self._tell()

    @property
    def force_exit(self) -> bool:
        return self._force_exit

    @force_exit.setter
    def force_exit(self, value: bool) -> None:
        self._force_exit = value
        if value:
            self._forced += 1
            self.should_exit = True

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        """Take a signal: the first one asks for a graceful exit, an INT after it to wait no longer."""
        if self._should_exit and number == signal.SIGINT:
            self.force_exit = True
        else:
            self.should_exit = True

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:
        """What `serve()` runs in: INT and TERM go to `handle_exit`. A subclass may leave them alone."""
        return signals.captured(self)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve in a new event loop until told to exit. Raises StartupError; KeyboardInterrupt after INT."""
        loop_factory = self.config.get_loop_factory()
        run_in_loop(self.serve(sockets), loop_factory)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve in the running event loop until told to exit; `sockets` are bound ones, closed at the end.

        Takes INT and TERM meanwhile if this is the main thread, and raises them again at the end. A
        cancellation ends the server gracefully too. Raises StartupError.
        """
        with self.capture_signals():
            try:
                await self.startup(sockets)
                await self.main_loop()
            finally:
                await self.shutdown()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Import the application, bind, start the application up, listen. Raises StartupError.

        After a failure, as after success, `shutdown()` takes down what stands.
        """
        self._loop = asyncio.get_running_loop()
        if not self.config.loaded:
            self.config.load()
        self._binding = bind(self.config) if sockets is None else given(sockets, self._plain)
        _log_process("Started server process [%s]")
        self._threads = Threads(self.config.threads, logger)
        await self._threads.start()
        mode = "off" if self.config.interface == "wsgi" else self.config.lifespan
        self._lifespan = Lifespan(self.config.loaded_app, mode)
        await self._unless_forced(self._lifespan, self._lifespan.startup())
        if self._should_exit:
            return
        await self._listen(self._binding, self._lifespan.state)
        self.started = True
        if sockets is None:
            announce(self._binding.address)

    async def main_loop(self) -> None:
        """Wait until told to exit. Meanwhile `callback_notify` is awaited; raises what it raises."""
        callback = self.config.callback_notify
        if callback is None:
            await self._until(lambda: self._should_exit)
            return
        notifying = asyncio.ensure_future(_notify(callback, self.config.timeout_notify))
        try:
            if await self._done(notifying, lambda: self._should_exit):
                notifying.result()
        finally:
            notifying.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let requests finish, shut the application down, close the access log.

        `sockets` is uvicorn's: those that `startup()` was given are closed without it.
        """
        binding, self._binding = self._binding, None
        if binding is None:  # nothing stands, or it is being taken down
            return
        if self.started:
            await self._delay(self.config.shutdown_delay_s)
            logger.info("Shutting down")
        if self._intake is not None:
            self._intake.close()
            await self._intake.arrived()
        binding.close()
        for sock in sockets or ():
            sock.close()
        if self._stop_tls is not None:
            self._stop_tls()
        try:
            if self._endpoint is not None:
                await self._finish_requests()
        finally:
            try:
                if self._lifespan is not None:
                    await self._unless_forced(self._lifespan, self._lifespan.shutdown())
            finally:
                if self._threads is not None:
                    self._threads.close()
                if self._access_log is not None:
                    self._access_log.close()
        if self.started:
            _log_process("Finished server process [%s]")

    def collect_numbers(self, taker: Callable[[Numbers], None]) -> None:
        """Hand what was counted to `taker`, on the event loop, at once or later."""
        assert self._measuring is not None
        taker(self._measuring.snapshot())

    def requests(self) -> list[dict[str, Any]]:
        """What each request in hand is doing, in what JSON can hold; from any thread."""
        return observation.working(self._driver, self._thread)

    def reopen_logs(self) -> None:
        """Open log files by their names again, as somebody has moved them away; from any thread."""
        self._call_soon(self._reopen_logs)

    def _call_soon(self, callback: Callable[[], object]) -> None:
        """Have the loop call it, from any thread or a signal handler; nothing before it runs or after."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(callback)

    def _reopen_logs(self) -> None:
        reopen_files()
        if self._access_log is not None:
            try:
                self._access_log.reopen()
            except OSError as error:
                logger.error("Cannot reopen the access log: %s", error)

    async def _listen(self, binding: Binding, state: dict[str, Any]) -> None:
        config = self.config
        loop = asyncio.get_running_loop()
        # Looked for here: what only reads options or fails to start need not load the extension modules.
        core = find(config.http, say=True)
        observers: list[Any] = []
        self._access_log = access.access_log(config, core, loop)
        if self._access_log is not None:
            observers.append(self._access_log)
        if config.limit_max_requests is not None:
            observers.append(self._request_limit(core, config.limit_max_requests))
        # Each request runs in a copy of this context, never in that of the connection or of another request.
        context = contextvars.Context() if config.reset_contextvars else contextvars.copy_context()
        request_filter, meaningless = core.part("proxy_filter")(
            config.trusted_proxies,
            config.forwarded_headers.split(","),
            config.proxy_headers,
            config.strip_untrusted_forwarded,
        )
        for entry in meaningless:
            _warn_of_meaningless("forwarded_allow_ips", entry)
        request_filter = observation.request_ids(config, core, request_filter)
        driver = driver_for(config, core, loop, context, state)
        self._pool = getattr(driver, "pool", None)
        upgrade = upgrade_for(config, core, loop, driver)
        self._driver = driver
        self._thread = threading.get_ident()
        slow_requests = observation.slow_requests(config, core, driver)
        if slow_requests is not None:
            observers.append(slow_requests)
        outer = self._with_health(core, driver)
        tells = bool(config.metrics_address or config.statsd) and not self.has_parent
        if tells and self.is_one_of_many:
            raise StartupError("--statsd, and --metrics with an address of its own, are for one process.")
        if config.metrics or config.statsd or self.has_operator:
            from fastserve.measuring import Measuring

            self._measuring = Measuring(core, config.metrics, self.collect_numbers)
            observers.append(self._measuring.counters)
            outer = self._measuring.before(outer)
        arguments = [loop, config, outer, config.encoded_headers, observers, request_filter]
        endpoint = self._endpoint = core.part("Endpoint")(
            *arguments, *([upgrade] if upgrade is not None else ())
        )
        endpoint.times_first_byte = access.needs_times(config)
        endpoint.timed = endpoint.times_first_byte or bool(slow_requests or self._measuring)
        protocol = config.get_http_protocol()
        plain: Callable[[], asyncio.BaseProtocol] = lambda: protocol(endpoint)  # noqa: E731
        accept = plain
        if config.credentials is not None:
            accept = self._start_tls(core, config.credentials)
        handshakes = getattr(accept, "pending", ())
        if config.proxy_protocol:
            accept, plain = self._introduced(accept), self._introduced(plain)
        if binding.plain:
            from fastserve.tls.mixed import Mixed

            accept = Mixed(accept, plain, binding.plain)
        if self._balance is not None:
            endpoint.tally = self._balance.tally
        self._intake = Intake(
            loop, self._listened_on(binding), accept, config.backlog, self.servers, self._balance, handshakes
        )
        try:
            await self._intake.open()
        except OSError as error:  # another server has begun to listen there since we bound
            from fastserve.holder import told_with_holder  # only where an address is taken

            sock = binding.sockets[len(self.servers)]
            told = told_with_holder(error, sock.family, sock.getsockname())
            raise address_error(binding.address, told) from None
        self._loop_watch = observation.watch_loop(config, loop, driver, endpoint, binding.sockets)
        if self._measuring is not None:
            self._measuring.start(endpoint, self._loop_watch, self._threads, self._intake)
            if tells:
                from fastserve.telling import Telling

                self._telling = Telling(config, self._measuring.snapshot)
                self._telling.start()

    def _listened_on(self, binding: Binding) -> Sequence[socket.socket]:
        return binding.sockets

    def _with_health(self, core: Core, driver: Any) -> Any:
        """Return the driver, behind one that answers for the server's health where that is wanted."""
        if self.config.health_path is None:
            return driver
        live, _, ready = self.config.health_path.partition(",")
        is_ready = lambda: not self._endpoint.last_answers  # noqa: E731
        return core.part("HealthDriver")(driver, live, ready or None, is_ready)

    def _request_limit(self, core: Core, count: int) -> Any:
        """Return what counts the requests and ends this server after so many."""
        from random import randint

        count += randint(0, self.config.limit_max_requests_jitter)

        return core.part("RequestLimit")(count, lambda: self.limit_reached(count))

    def limit_reached(self, count: int) -> None:
        """As many requests as there may be are answered: end."""
        logger.info("Maximum request limit of %d exceeded. Terminating process.", count)
        self.should_exit = True

    def _start_tls(self, core: Core, credentials: Credentials) -> Callable[[], Any]:
        """Return what accepts connections, and keep its certificates fresh."""
        from fastserve.tls.handshake import Listener
        from fastserve.tls.renewal import Renewal

        config = self.config
        loop = asyncio.get_running_loop()
        protocol: Callable[..., Any] = core.part("encrypted_connection")
        refuse_plain = core.part("refuse_plain")
        if config.http not in HTTP_IMPLEMENTATIONS:
            own = config.get_http_protocol()
            protocol = lambda endpoint, tls, wire: own(endpoint)  # noqa: E731
        listener = Listener(
            loop, credentials, self._endpoint, protocol, refuse_plain, config.ssl_handshake_timeout_s
        )
        renewal = Renewal(loop, config, listener, config.ssl_reload_interval_s)
        renewal.start()
        stop_hearing = signals.subscribe(signal.SIGHUP, lambda: loop.call_soon_threadsafe(renewal.reload))

        def stop() -> None:
            stop_hearing()
            renewal.stop()
            listener.close()

        self._stop_tls = stop
        return listener

    def _introduced(self, accept: Callable[[], Any]) -> Callable[[], Any]:
        """Return what accepts connections that begin with a word of trusted proxies."""
        from fastserve.proxy_protocol.introduction import Listener

        config = self.config
        listener = Listener(accept, config.proxy_allow_ips, self._endpoint, config.header_bytes_max)
        for entry in listener.trusted.rejected:
            _warn_of_meaningless("proxy_allow_ips", entry)
        return listener

    async def _delay(self, delay_s: float) -> None:
        """Go on accepting for a while: whoever sends clients here has to hear first that it ends."""
        if delay_s > 0 and not self._force_exit:
            logger.info("Shutting down in %g seconds", delay_s)
            self._endpoint.announce_end()
            await self._done(asyncio.ensure_future(asyncio.sleep(delay_s)), lambda: self._force_exit)

    async def _finish_requests(self) -> None:
        """Close every connection: idle ones now, others after their request or at the deadline."""
        endpoint = self._endpoint
        closed = asyncio.ensure_future(endpoint.wait_closed())
        try:
            if self._farewell_s > 0:
                # No haste: who is connected may ask once more.
                endpoint.announce_end()
                deadline_s = self.config.timeout_graceful_shutdown
                farewell_s = self._farewell_s if deadline_s is None else min(self._farewell_s, deadline_s)
                await self._done(closed, lambda: self._force_exit, farewell_s)
            endpoint.drain(spare_newcomers=True)
            if await self._done_in_time(closed):
                return
            if not self._force_exit:
                logger.error(
                    "Cancel %s running task(s), timeout graceful shutdown exceeded",
                    endpoint.requests_in_flight,
                )
            endpoint.cancel_requests()
            if self._force_exit:
                endpoint.abort()
            await asyncio.wait({closed}, timeout=_CANCEL_GRACE_S)
        finally:
            # Also if serve() itself is cancelled while it waits: nothing outlives the server.
            closed.cancel()
            endpoint.cancel_requests()
            endpoint.abort()
            endpoint.close()
            for watching in (self._telling, self._loop_watch, self._measuring):
                if watching is not None:
                    watching.close()
            if self._access_log is not None:
                self._access_log.flush()

    async def _done_in_time(self, closed: asyncio.Future[None]) -> bool:
        deadline_s = self.config.timeout_graceful_shutdown
        quiet_s = _QUIET_S if deadline_s is None else min(_QUIET_S, deadline_s)
        for _ in range(2):
            if await self._done(closed, lambda: self._force_exit, quiet_s / 2):
                return True
            self._endpoint.drain()
        if not self._force_exit:
            what = "connections to close" if self._endpoint.connections else "background tasks to complete"
            logger.info("Waiting for %s. (CTRL+C to force quit)", what)
        rest_s = None if deadline_s is None else deadline_s - quiet_s
        return await self._done(closed, lambda: self._force_exit, rest_s)

    async def _unless_forced(self, lifespan: Lifespan, step: Coroutine[Any, Any, None]) -> None:
        """Await a step of the application's lifespan; a force exit that comes meanwhile gives it up."""
        before = self._forced
        task = asyncio.ensure_future(step)
        try:
            if await self._done(task, lambda: self._forced > before):
                task.result()
            else:
                lifespan.cancel()
        finally:
            task.cancel()

    async def _done(
        self, task: asyncio.Future[Any], given_up: Callable[[], bool], timeout_s: float | None = None
    ) -> bool:
        """Wait for the task until it is given up or the time is over; return whether it is done."""
        giving_up = asyncio.ensure_future(self._until(given_up))
        try:
            await asyncio.wait({task, giving_up}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            giving_up.cancel()
        return task.done()

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait until what somebody told this server makes the condition true."""
        while not condition():
            self._told.clear()
            await self._told.wait()

    def _tell(self) -> None:
        """Wake the server, from any thread or from a signal handler."""
        self._call_soon(self._told.set)


async def _notify(callback: Callable[[], Awaitable[None]], interval_s: float) -> None:
    while True:
        await callback()
        await asyncio.sleep(interval_s)


def _warn_of_meaningless(option: str, entry: str) -> None:
    logger.warning("%s: %r is neither an address nor a network: ignored", option, entry)


def _log_process(message: str) -> None:
    colored = {"color_message": message.replace("%s", style("%s", "cyan"))}
    logger.info(message, os.getpid(), extra=colored)


def run_in_loop(
    main: Coroutine[Any, Any, None], loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """`asyncio.run` with a loop of the given kind."""
    if sys.version_info >= (3, 11):
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(main)
        return
    loop = loop_factory()
    try:
        loop.run_until_complete(main)
    finally:
        try:
            loop.run_until_complete(_end_tasks())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()


async def _end_tasks() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
