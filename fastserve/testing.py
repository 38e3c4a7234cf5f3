"""How does a test serve an application?

    with serve(app) as server:
        httpx.get(server.url + "/hello")

The server runs in a thread, in an event loop of its own, on a free port of 127.0.0.1, and is gone at the end
of the block. pytest finds the fixture `fastserve_server`, which does the same, by itself (pytest_plugin.py).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

from fastserve.config import Config
from fastserve.errors import StartupError
from fastserve.server import Server

__all__ = ["Served", "serve"]

#: For a server that neither starts nor fails, and for one that does not end.
TIMEOUT_S = 30.0


class _Server(Server):
    """One that tells another thread when it listens."""

    def __init__(self, config: Config, listens: threading.Event) -> None:
        super().__init__(config)
        self._listens = listens

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listens.set()


class Served:
    """A server that runs in a thread.

    `server` is the `fastserve.Server`; `host` and `port` are where it listens, `url` the same as
    `http://127.0.0.1:54321`, without a slash at its end, and begins with `https` under TLS; of a UNIX socket
    `host` is its path, `port` None and `url` `http://localhost`.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        """Start the server. Raises OptionError; StartupError if it cannot start."""
        if options.get("uds") is None and options.get("fd") is None:
            options = {"port": 0, **options}
        options = {"access_log": False, "log_level": "warning", **options}
        self._ready = threading.Event()
        self.server: Server = _Server(Config(app, **options), self._ready)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="fastserve", daemon=True)
        self._thread.start()
        if not self._ready.wait(TIMEOUT_S):
            self.stop()
            raise StartupError(f"The server did not start within {TIMEOUT_S:g} s")
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        name = self.server.servers[0].sockets[0].getsockname()  # type: ignore[attr-defined]
        self.host: str = name if isinstance(name, str) else name[0]
        self.port: int | None = None if isinstance(name, str) else name[1]

    @property
    def url(self) -> str:
        scheme = "https" if self.server.config.is_ssl else "http"
        if self.port is None:
            return f"{scheme}://localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    def _run(self) -> None:
        try:
            self.server.run()
        except BaseException as error:  # whatever it is, it belongs to the thread that waits
            self._failure = error
        finally:
            self._ready.set()

    def stop(self) -> None:
        """End the server: requests in flight finish first. Raises what ended it, and TimeoutError."""
        self.server.should_exit = True
        self._thread.join(TIMEOUT_S)
        if self._thread.is_alive():
            self.server.force_exit = True
            self._thread.join(TIMEOUT_S)
            raise TimeoutError(f"The server did not end within {TIMEOUT_S:g} s: a request is still in flight")
        if self._failure is not None:
            raise self._failure


@contextlib.contextmanager
def serve(app: Any, **options: Any) -> Iterator[Served]:
    """Serve an application, given or named by an import string, while the block runs.

    `options` are the keywords of docs/options.md; a test's defaults are a free port, no access log and
    warnings only. Raises OptionError; StartupError if the server cannot start.
    """
    served = Served(app, **options)
    try:
        yield served
    finally:
        served.stop()
