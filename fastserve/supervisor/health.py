"""How are the workers? (`health_bind`: for load balancers and orchestrators, on an address of its own)

The supervisor answers, so there is an answer before the first worker serves, while all of them end, and when
every event loop is blocked.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastserve.log import logger
from fastserve.sockets import bind_address
from fastserve.supervisor.desk import Forget, Watch
from fastserve.supervisor.pages import PLAIN, Pages

if TYPE_CHECKING:
    from fastserve.config import Config

__all__ = ["PATHS", "Health"]

#: Of liveness and readiness, where `health_path` names no others.
PATHS = "/livez,/readyz"


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
        binding = bind_address(config, address, "http")
        self._pages = Pages(binding, self._page, watch, forget)
        logger.info("Health is told on %s", binding.address)

    def close(self) -> None:
        self._pages.close()

    def _page(self, path: str, accept: str) -> tuple[HTTPStatus, str, bytes]:
        if path == self._live or (path == self._ready and self._is_ready()):
            return HTTPStatus.OK, PLAIN, b"ok\n"
        if path == self._ready:
            return HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, b"not ready\n"
        return HTTPStatus.NOT_FOUND, PLAIN, b""
