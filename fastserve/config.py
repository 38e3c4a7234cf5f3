"""What did the user ask for?

`Config` holds one value for each row of the table of options, judged and converted, and the few things that
follow from them: the application itself, the event loop's factory, the protocol's class.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fastserve import core, log, sockets
from fastserve.asgi import trace
from fastserve.asgi.asgi2 import ASGI2Adapter
from fastserve.errors import OptionError, StartupError
from fastserve.importer import import_application, import_attribute, make_application
from fastserve.interface import interface_of
from fastserve.keywords import by_name, notified, signature
from fastserve.log import announce, logger
from fastserve.logfile import FileHandler
from fastserve.logging import LOGGING_CONFIG
from fastserve.options import BY_NAME, OPTIONS, unknown

if TYPE_CHECKING:
    import asyncio
    import socket
    import ssl

    from fastserve.tls.credentials import Credentials

    #: What `ssl_context_factory` is: called with the Config and with what makes the default context from the
    #: options.
    SSLContextFactory = Callable[["Config", Callable[[], ssl.SSLContext]], ssl.SSLContext]

__all__ = ["HTTP_IMPLEMENTATIONS", "LOGGING_CONFIG", "LOOP_FACTORIES", "Config"]

#: What `--http` may name besides what the user can import.
HTTP_IMPLEMENTATIONS = ("auto", *core.CORES, *core.STAND_INS)

#: `--loop` → what makes the loop. `auto` takes uvloop's where it is installed, or else asyncio's.
LOOP_FACTORIES = {
    "uvloop": "uvloop:new_event_loop",
    "asyncio": "asyncio:SelectorEventLoop",
    "none": "asyncio:new_event_loop",
}

#: Parts that uvicorn can be told to use, in place of which fastserve does what it does for `auto`.
STAND_INS = {
    "loop": (("zuvloop",), "uvloop is used where it is installed"),
    "http": (core.STAND_INS, "fastserve's own HTTP/1 is used"),
    "ws": (("websockets", "websockets-sansio"), "fastserve's own WebSocket is used"),
}


class Config:
    """The options of one server, as attributes under the names of the table (docs/options.md).

    `app` is an ASGI application or an import string `"module:attribute"`. Options are passed by keyword, or
    by position in uvicorn's order. Functions are not in the table. `ssl_context_factory(config, default)`
    returns the `ssl.SSLContext` to serve TLS with; `default()` makes the one that the options describe. While
    the server listens, `callback_notify` is called and awaited, at once and then every `timeout_notify`
    seconds. Raises OptionError for an option that does not exist or a value that it cannot take. Making a
    Config also sets up logging, see `configure_logging`.
    """

    factory: bool
    app_dir: str | None
    lifespan: str
    interface: str
    root_path: str
    root_path_stripped: bool
    env_file: str | None
    reset_contextvars: bool
    pathsend: bool
    bind: list[str]
    insecure_bind: list[str]
    host: str
    port: int
    uds: str | None
    uds_mode: str | None
    uds_owner: str | None
    uds_group: str | None
    fd: int | None
    reuse_port: bool
    backlog: int
    proxy_headers: bool
    forwarded_allow_ips: str | None
    forwarded_headers: str
    strip_untrusted_forwarded: bool
    proxy_protocol: bool
    proxy_allow_ips: str
    loop: str | Callable[..., Any]
    http: str | Callable[..., Any]
    http2: bool
    h11_max_incomplete_event_size: int | None
    ws: str
    health_path: str | None
    health_bind: str | None
    pid_file: str | None
    umask: str | None
    ws_max_size: int
    ws_max_queue: int
    ws_queue_bytes_max: int
    ws_fragments_max: int
    ws_answer_timeout_s: float
    ws_ping_interval: float
    ws_ping_timeout: float
    ws_close_timeout_s: float
    ws_shutdown_code: str
    ws_per_message_deflate: bool
    ws_deflate_bytes_min: int
    ws_deflate_window_bits: int
    ws_deflate_memory_level: int
    threads: int | None
    limit_concurrency: int | None
    limit_max_requests: int | None
    limit_max_requests_jitter: int
    timeout_graceful_shutdown: float | None
    shutdown_delay_s: float
    workers: int | None
    timeout_worker_healthcheck: float
    preload: bool
    supervise: bool
    control_socket: str | None
    user: str | None
    group: str | None
    worker_boot_timeout_s: float
    worker_lifetime_s: float
    worker_memory_bytes_max: int
    reload: bool
    reload_dirs: list[str]
    reload_includes: list[str]
    reload_excludes: list[str]
    reload_delay: float
    log_level: str | int | None
    log_config: Any
    use_colors: bool | None
    access_log: bool
    access_log_file: str | None
    access_log_format: str
    access_log_exclude: str
    access_log_sample: float
    access_log_slow_ms: int
    request_id: bool
    error_log_file: str | None
    log_rotate: str | None
    log_keep: int
    blocked_loop_ms: int | None
    slow_request_ms: int
    metrics: str | None
    statsd: str | None
    headers: list[tuple[str, str]]
    server_header: bool
    date_header: bool
    ssl_keyfile: str | None
    ssl_certfile: str | None
    ssl_keyfile_password: str | None
    ssl_version: int
    ssl_cert_reqs: int
    ssl_ca_certs: str | None
    ssl_ciphers: str | None
    ssl_reload_interval_s: float
    request_line_bytes_max: int
    header_bytes_max: int
    header_count_max: int
    body_bytes_max: int
    pipelined_requests_max: int
    write_buffer_bytes_max: int
    read_buffer_bytes_max: int
    chunk_extension_bytes_max: int
    discard_bytes_max: int
    timeout_keep_alive: float
    ssl_handshake_timeout_s: float
    head_timeout_s: float
    body_timeout_s: float
    body_rate_min_bytes_s: float
    write_timeout_s: float
    half_close_timeout_s: float
    linger_timeout_s: float
    wsgi_threads: int
    wsgi_threads_min: int
    wsgi_queue_max: int
    wsgi_thread_timeout_s: float
    wsgi_thread_idle_timeout_s: float
    wsgi_body_memory_bytes_max: int

    def __init__(self, app: Any, *values: Any, **options: Any) -> None:
        options = by_name(values, options)
        self.callback_notify, self.timeout_notify = notified(options)
        self.ssl_context_factory: SSLContextFactory | None = options.pop("ssl_context_factory", None)
        for name in options:
            if name not in BY_NAME or name == "app":
                raise OptionError(unknown(name))
        self.app = app
        for option in OPTIONS:
            if not option.argument:
                setattr(self, option.name, option.convert(options.get(option.name, option.default)))
        #: What TLS is served with, once `load()` has run; None without TLS.
        self.credentials: Credentials | None = None
        #: The application itself, once `load()` has run.
        self.loaded_app: Any = None
        if self.http2:
            raise OptionError("HTTP/2 is not there yet: --http2 has to wait for it.")
        if self.insecure_bind and not self.is_ssl:
            raise OptionError("insecure_bind is for a server that speaks TLS elsewhere: use bind.")
        self.configure_logging()
        self._follow_uvicorn(options)
        if self.env_file is not None:
            _load_variables(self.env_file)

    __init__.__signature__ = signature(True, "self", "app")  # type: ignore[attr-defined]

    def _follow_uvicorn(self, options: Mapping[str, Any]) -> None:
        """Do what options mean that only uvicorn's parts could take literally; a line tells of each."""
        for name, value in (("loop", self.loop), ("http", self.http), ("ws", self.ws)):
            names, instead = STAND_INS[name]
            if value in names:
                logger.warning("--%s %s: %s", name, value, instead)
        size = self.h11_max_incomplete_event_size
        if size is not None:
            limits = [n for n in ("request_line_bytes_max", "header_bytes_max") if options.get(n) is None]
            for limit in limits:
                setattr(self, limit, size)
            told = " and ".join(limits) + f" set to {size}" if limits else "overridden by our own limits"
            logger.warning("--h11-max-incomplete-event-size %d: %s", size, told)

    def configure_logging(self) -> None:
        """Set logging up; a process that was given a Config of another one calls it. Raises OptionError."""
        files = [name for name in ("access_log_file", "error_log_file") if getattr(self, name) is not None]
        if files and self.log_config:
            raise OptionError(
                f"log_config and {files[0]} exclude each other: let the configuration name files."
            )
        if self.log_rotate is not None and not files:
            raise OptionError("log_rotate is for access_log_file and error_log_file: neither is given.")
        if self.log_config and self.access_log_format != "uvicorn":
            raise OptionError(
                "log_config and access_log_format exclude each other: let the configuration name the format."
            )
        log.configure(self.log_level, self.log_config, self.use_colors, self._error_file())

    def _error_file(self) -> FileHandler | None:
        if self.error_log_file is None:
            return None
        try:
            return FileHandler(self.error_log_file, self.log_rotate, self.log_keep)
        except OSError as error:
            raise OptionError(
                f"Invalid value for error_log_file: {self.error_log_file!r}: {error.strerror}."
            ) from None

    @property
    def processes(self) -> int:
        """How many processes serve. uvicorn reads its variable here too. Raises OptionError."""
        workers = self.workers
        if workers is None and (text := os.environ.get("WEB_CONCURRENCY")):
            workers = BY_NAME["workers"].convert(text, "WEB_CONCURRENCY")
        return workers or 1

    @property
    def metrics_address(self) -> str | None:
        """Where the numbers have an address of their own, as `--bind` has it; None if that is not wanted."""
        where = self.metrics
        if where is None or where.startswith("/"):
            return None
        return f"127.0.0.1:{where}" if where.isdecimal() else where

    @property
    def loaded(self) -> bool:
        return self.loaded_app is not None

    @property
    def asgi_version(self) -> str:
        """The version of ASGI that `interface` names, once `load()` has run; `3.0` before."""
        return "2.0" if self.interface == "asgi2" else "3.0"

    def bind_socket(self) -> socket.socket:
        """Return a bound socket that child processes inherit, and log its address.

        It is for `Server.run(sockets=[...])`. Of the addresses of a host name it has the first of IPv4, as
        uvicorn's does. The path of a UNIX socket is the caller's to remove. Raises StartupError.
        """
        binding = sockets.bind(self, single=True)
        announce(binding.address)
        (bound,) = binding.sockets
        bound.set_inheritable(True)
        return bound

    @property
    def trusted_proxies(self) -> str:
        """The peers whose forwarded headers count. The variable is uvicorn's, which reads it here too."""
        if self.forwarded_allow_ips is not None:
            return self.forwarded_allow_ips
        return os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")

    @property
    def is_ssl(self) -> bool:
        return bool(self.ssl_keyfile or self.ssl_certfile or self.ssl_context_factory)

    @property
    def ssl(self) -> ssl.SSLContext | None:
        """The context that `load()` has made; None without TLS."""
        return self.credentials.context if self.credentials is not None else None

    @property
    def encoded_headers(self) -> list[tuple[bytes, bytes]]:
        """`headers` as they stand on the wire: lower-case names, latin-1."""
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]

    def load_app(self) -> Any:
        """Import and return the application or its factory.

        Raises StartupError, caused by what the application's code raised.
        """
        self._extend_path()
        if not isinstance(self.app, str):
            return self.app
        return import_application(self.app)

    def _extend_path(self) -> None:
        if self.app_dir is not None:
            directory = os.path.abspath(self.app_dir)
            if directory not in sys.path[:1]:
                sys.path.insert(0, directory)

    def load(self) -> None:
        """Make the application ready to be served; a factory is called here. Raises StartupError.

        A protocol of the user's own and the certificates are looked for too, before anything has begun.
        """
        if self.http not in HTTP_IMPLEMENTATIONS:
            self.get_http_protocol()
        if self.is_ssl:
            # Imported here: without TLS the start does not pay for it.
            from fastserve.tls.credentials import load

            self.credentials = load(self)
        app = make_application(self.load_app(), self.factory)
        if self.interface == "auto":
            self.interface = interface_of(app)
        self.loaded_app = ASGI2Adapter(app) if self.interface == "asgi2" else app
        if self.interface != "wsgi" and trace.logger.isEnabledFor(log.TRACE):
            self.loaded_app = trace.Trace(self.loaded_app)

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        """Return what makes the event loop that `loop` names. Raises StartupError if it is missing."""
        found: Callable[[], asyncio.AbstractEventLoop]
        if self.loop == "auto" or self.loop in STAND_INS["loop"][0]:
            try:
                found = import_attribute(LOOP_FACTORIES["uvloop"])
            except ImportError:
                found = import_attribute(LOOP_FACTORIES["asyncio"])
        else:
            found = self._resolve("loop", self.loop, LOOP_FACTORIES)
        return found

    def get_http_protocol(self) -> Callable[[Any], asyncio.Protocol]:
        """Return what makes a connection's protocol from its `Endpoint`. Raises StartupError."""
        found: Callable[[Any], asyncio.Protocol]
        if isinstance(self.http, str) and self.http in HTTP_IMPLEMENTATIONS:
            found = core.find(self.http).part("connection")
        else:
            found = self._resolve("http", self.http, {})
        return found

    def _resolve(self, name: str, value: str | Callable[..., Any], known: Mapping[str, str]) -> Any:
        """Return what an importable option names, by a name of ours or by an import string of the user's."""
        if not isinstance(value, str):
            return value
        self._extend_path()
        try:
            found = import_attribute(known.get(value, value))
        except (ImportError, AttributeError) as error:
            raise StartupError(f"Cannot use --{name} {value}: {error}") from None
        except Exception as error:  # of the user's own module
            raise StartupError(f"Cannot use --{name} {value}: {type(error).__name__}: {error}") from error
        if not callable(found):
            raise StartupError(f"Cannot use --{name} {value}: it is not callable")
        return found


def _load_variables(path: str) -> None:
    """Set the variables of an .env file, except those that are set. Raises OptionError."""
    try:
        from dotenv import load_dotenv
    except ImportError:
        raise OptionError("env_file needs the package python-dotenv, or fastserve[standard].") from None
    if not os.path.isfile(path):
        raise OptionError(f"Invalid value for env_file: there is no file {path!r}.")
    logger.info("Loading environment from '%s'", path)
    load_dotenv(path)
