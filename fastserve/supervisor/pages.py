"""What does a process answer over HTTP on sockets that are not the application's?

Pages for machines, of the supervisor or of a server that has none. It speaks as much HTTP/1 as a prober or a
collector needs (RFC 9110 and 9112): one GET or HEAD on each connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from fastserve.errors import StartupError
from fastserve.sockets import Binding
from fastserve.supervisor.desk import Desk, Forget, Watch
from fastserve.tally import Numbers

__all__ = ["PLAIN", "Page", "Pages", "metrics_page"]

PLAIN = "text/plain; charset=utf-8"

#: Called with the path and the Accept fields of a request; returns status, content type and body.
Page = Callable[[str, str], tuple[HTTPStatus, str, bytes]]

#: Where the numbers are, at an address that has nothing else.
_METRICS_PATH = "/metrics"
_REQUEST_LINE = re.compile(rb"([A-Z]+) (/[^ ?]*)(?:\?[^ ]*)? HTTP/1\.[01]\r?\n")
_ACCEPT = re.compile(rb"^accept:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)


class Pages:
    """Answers on the sockets of `binding` until `close()`, which closes them."""

    def __init__(self, binding: Binding, page: Page, watch: Watch, forget: Forget) -> None:
        self._page = page
        self._binding = binding
        self._desk = Desk(binding.sockets, self._answered, watch, forget)

    def close(self) -> None:
        self._desk.close()
        self._binding.close()

    def _answered(self, request: bytes, later: Callable[[bytes], None]) -> bytes | None:
        if b"\r\n\r\n" not in request and b"\n\n" not in request:
            return None
        line = _REQUEST_LINE.match(request)
        if line is None:
            return _answer(HTTPStatus.BAD_REQUEST)
        if line[1] not in (b"GET", b"HEAD"):
            return _answer(HTTPStatus.METHOD_NOT_ALLOWED)
        accept = b",".join(_ACCEPT.findall(request)).decode("latin-1")
        status, kind, body = self._page(line[2].decode("latin-1"), accept)
        return _answer(status, kind, body, line[1] == b"HEAD")


def _answer(status: HTTPStatus, kind: str = PLAIN, body: bytes = b"", is_head: bool = False) -> bytes:
    body = body or f"{status.phrase}\n".encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"content-type: {kind}",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        "connection: close",
        *(["allow: GET, HEAD"] if status is HTTPStatus.METHOD_NOT_ALLOWED else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (b"" if is_head else body)


def metrics_page(numbers: Callable[[], Numbers]) -> Page:
    """Return what answers with these numbers. Raises StartupError."""
    try:
        from fastserve.metrics import page
    except ModuleNotFoundError:
        raise StartupError("--metrics needs prometheus-client: pip install 'fastserve[metrics]'.") from None

    def answer(path: str, accept: str) -> tuple[HTTPStatus, str, bytes]:
        if path != _METRICS_PATH:
            return HTTPStatus.NOT_FOUND, PLAIN, b""
        body, kind = page(numbers(), accept)
        return HTTPStatus.OK, kind, body

    return answer
