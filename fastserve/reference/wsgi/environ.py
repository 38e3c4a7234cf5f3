"""How does a request look to a WSGI application? (PEP 3333, "environ Variables"; RFC 3875, 4.1)

Text in an environ is bytes, decoded as latin-1. What PEP 3333 does not name begins with ``fastserve.``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import unquote_to_bytes

from fastserve._version import __version__
from fastserve.reference.seam import Request
from fastserve.wsgi.file_wrapper import FileWrapper

__all__ = ["EnvironMaker"]


class EnvironMaker:
    """Makes the environs of one application.

    `root_path` is where it is mounted, and `is_stripped` says that the proxy took that off the paths that
    come here. `multithread` and `multiprocess`: whether two threads, or processes, may be in it at once.
    """

    def __init__(self, root_path: str, is_stripped: bool, multithread: bool, multiprocess: bool) -> None:
        bare = root_path.strip("/").encode().decode("latin-1")
        self._prefix = "/" + bare if bare else ""
        self._is_stripped = is_stripped
        self._multithread = multithread
        self._multiprocess = multiprocess

    def make(
        self, request: Request, body: BinaryIO, early_hints: Callable[[list[tuple[str, str]]], None]
    ) -> dict[str, Any]:
        raw_path = request.raw_path.decode("latin-1")
        script_name, path_info = self._split(unquote_to_bytes(request.raw_path).decode("latin-1"))
        server_name, server_port = _names_of_server(request)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": script_name,
            "PATH_INFO": path_info,
            "QUERY_STRING": request.query_string.decode("latin-1"),
            "SERVER_NAME": server_name,
            "SERVER_PORT": server_port,
            "SERVER_PROTOCOL": f"HTTP/{request.http_version}",
            "SERVER_SOFTWARE": f"fastserve/{__version__}",
            "REMOTE_ADDR": request.client[0] if request.client is not None else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": request.scheme,
            "wsgi.input": body,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": self._multithread,
            "wsgi.multiprocess": self._multiprocess,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,  # a body of unknown length ends too
            "wsgi.file_wrapper": FileWrapper,
            "wsgi.early_hints": early_hints,
            "fastserve.client": request.client,
            "fastserve.raw_path": raw_path,
        }
        if request.request_id is not None:
            environ["fastserve.request_id"] = request.request_id
            environ["fastserve.traceparent"] = request.traceparent
        for field, value in request.headers:
            _add(environ, field.decode("ascii"), value.decode("latin-1"))
        return environ

    def _split(self, path: str) -> tuple[str, str]:
        """SCRIPT_NAME and PATH_INFO of a decoded path."""
        if path == "*":  # of OPTIONS: the server as a whole, no path of its
            return self._prefix if self._is_stripped else "", ""
        if self._is_stripped:
            return self._prefix, path
        if path == self._prefix or path.startswith(self._prefix + "/"):
            return self._prefix, path[len(self._prefix) :]
        return "", path


def _add(environ: dict[str, Any], field: str, value: str) -> None:
    """Add a header field; values of one name are joined (RFC 9110, 5.3; RFC 6265, 4.2.1).

    One that has an underscore in its name would share a variable with another field: X_Forwarded_For is not
    the X-Forwarded-For that a proxy has set. So it has none.
    """
    if "_" in field:
        return
    variable = field.upper().replace("-", "_")
    if variable not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        variable = "HTTP_" + variable
    if variable in environ:
        value = environ[variable] + ("; " if field == "cookie" else ",") + value
    environ[variable] = value


def _names_of_server(request: Request) -> tuple[str, str]:
    """SERVER_NAME and SERVER_PORT, neither of which may be empty."""
    if request.server is None or request.server[1] is None:  # a UNIX socket has neither
        return "localhost", "443" if request.scheme == "https" else "80"
    host, port = request.server
    return f"[{host}]" if ":" in host and not host.startswith("[") else host, str(port)
