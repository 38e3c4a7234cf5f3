"""What did the user ask for?

`Config` holds one value for each row of the table of options, judged and converted, and the few things that
follow from them: the application itself, the event loop's factory, the protocol's class.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastserve import log
from fastserve.errors import OptionError, StartupError
from fastserve.importer import import_application, import_attribute, make_application
from fastserve.options import BY_NAME, OPTIONS, unknown

if TYPE_CHECKING:
    import asyncio

__all__ = ["HTTP_IMPLEMENTATIONS", "LOOP_FACTORIES", "Config"]

#: `--http` → the class whose instances the loop makes for accepted connections, called with an `Endpoint`.
HTTP_IMPLEMENTATIONS = {
    "auto": "fastserve.h1.connection:Connection",
    "cython": "fastserve.h1.connection:Connection",
}

#: `--loop` → what makes the loop. `auto` takes the first one of the others whose module is installed.
LOOP_FACTORIES = {
    "uvloop": "uvloop:new_event_loop",
    "asyncio": "asyncio:SelectorEventLoop",
}


class Config:
    """The options of one server, as attributes under the names of the table (docs/options.md).

    `app` is an ASGI application or an import string `"module:attribute"`. Raises OptionError for an option
    that does not exist or a value that it cannot take. Making a Config also sets up logging, see
    `log.configure`.
    """

    factory: bool
    app_dir: str | None
    lifespan: str
    root_path: str
    host: str
    port: int
    uds: str | None
    fd: int | None
    backlog: int
    loop: str
    http: str
    timeout_graceful_shutdown: float | None
    log_level: str | None
    access_log: bool
    headers: list[tuple[str, str]]
    server_header: bool
    date_header: bool
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
    head_timeout_s: float
    body_timeout_s: float
    body_rate_min_bytes_s: float
    write_timeout_s: float
    half_close_timeout_s: float
    linger_timeout_s: float

    def __init__(self, app: Any, **options: Any) -> None:
        for name in options:
            if name not in BY_NAME or name == "app":
                raise OptionError(unknown(name))
        self.app = app
        for option in OPTIONS:
            if not option.argument:
                setattr(self, option.name, option.convert(options.get(option.name, option.default)))
        #: The application itself, once `load()` has run.
        self.loaded_app: Any = None
        log.configure(self.log_level)

    @property
    def loaded(self) -> bool:
        return self.loaded_app is not None

    @property
    def encoded_headers(self) -> list[tuple[bytes, bytes]]:
        """`headers` as they stand on the wire: lower-case names, latin-1."""
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]

    def load_app(self) -> Any:
        """Import and return the application or its factory.

        Raises StartupError, caused by what the application's code raised.
        """
        if not isinstance(self.app, str):
            return self.app
        if self.app_dir is not None:
            directory = os.path.abspath(self.app_dir)
            if directory not in sys.path[:1]:
                sys.path.insert(0, directory)
        return import_application(self.app)

    def load(self) -> None:
        """Make the application ready to be served; a factory is called here. Raises StartupError."""
        self.loaded_app = make_application(self.load_app(), self.factory)

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        """Return what makes the event loop that `loop` names. Raises StartupError if it is missing."""
        names = LOOP_FACTORIES if self.loop == "auto" else (self.loop,)
        for name in names:
            try:
                factory: Callable[[], asyncio.AbstractEventLoop] = import_attribute(LOOP_FACTORIES[name])
            except ImportError as error:
                reason = error
            else:
                return factory
        raise StartupError(f"Cannot use --loop {self.loop}: {reason}")

    def get_http_protocol(self) -> Callable[[Any], asyncio.Protocol]:
        """Return what makes a connection's protocol from its `Endpoint`."""
        protocol: Callable[[Any], asyncio.Protocol] = import_attribute(HTTP_IMPLEMENTATIONS[self.http])
        return protocol
