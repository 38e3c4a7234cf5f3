"""How are the workers? (`health_bind`: for load balancers and orchestrators, on an address of its own)

The supervisor answers, so there is an answer before the first worker serves, while all of them end, and when
every event loop is blocked. It speaks as much HTTP/1 as a prober needs (RFC 9110 and 9112): one GET or HEAD
on each connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastserve.log import logger
from fastserve.sockets import bind_address
from fastserve.supervisor.desk import Desk, Forget, Watch

if TYPE_CHECKING:
    from fastserve.config import Config

__all__ = ["PATHS", "Health"]

#: Of liveness and readiness, where `health_path` names no others.
PATHS = "/livez,/readyz"

_REQUEST_LINE = re.compile(rb"([A-Z]+) (/[^ ?]*)(?:\?[^ ]*)? HTTP/1\.[01]\r?\n")


class Health:
    """Answers at `health_bind` until `close()`. Raises StartupError.

    The first path is answered by 200 as long as the supervisor turns; the second one, if there is one, by 200
    while `is_ready()`, or else by 503.
    """

    def __init__(
        self, config: Config, address: str, is_ready: Callable[[], bool], watch: Watch, forget: Forget
    ) -> None:
        self._live, _, self._ready = (config.health_path or PATHS).partition(",")
        self._is_ready = is_ready
        self._binding = bind_address(config, address, "http")
        self._desk = Desk(self._binding.sockets, self._answered, watch, forget)
        logger.info("Health is told on %s", self._binding.address)

    def close(self) -> None:
        self._desk.close()
        self._binding.close()

    def _answered(self, request: bytes) -> bytes | None:
        if b"\r\n\r\n" not in request and b"\n\n" not in request:
            return None
        line = _REQUEST_LINE.match(request)
        if line is None:
            return _answer(HTTPStatus.BAD_REQUEST)
        method, path = line[1].decode(), line[2].decode("latin-1")
        if path == self._live:
            status = HTTPStatus.OK
        elif path == self._ready:
            status = HTTPStatus.OK if self._is_ready() else HTTPStatus.SERVICE_UNAVAILABLE
        else:
            status = HTTPStatus.NOT_FOUND
        if method not in ("GET", "HEAD"):
            status = HTTPStatus.METHOD_NOT_ALLOWED
        return _answer(status, method == "HEAD")


_BODIES = {HTTPStatus.OK: "ok\n", HTTPStatus.SERVICE_UNAVAILABLE: "not ready\n"}


def _answer(status: HTTPStatus, is_head: bool = False) -> bytes:
    body = _BODIES.get(status, f"{status.phrase}\n")
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: text/plain; charset=utf-8",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        "connection: close",
        *(["allow: GET, HEAD"] if status is HTTPStatus.METHOD_NOT_ALLOWED else []),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + ("" if is_head else body)).encode()
