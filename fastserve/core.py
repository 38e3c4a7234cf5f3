"""Which code serves HTTP/1?

Three do, and give the same answers: the extension modules; and the server in plain Python
(reference/), which finds the ends of things by llhttp through cffi, or by h11. A `Core` names where the parts
of one of them are. They are imported when they are asked for: what only reads options needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastserve.errors import StartupError
from fastserve.importer import import_attribute
from fastserve.log import logger

__all__ = ["CORES", "STAND_INS", "Core", "find"]

#: Names of uvicorn's implementations that ours replace.
STAND_INS = ("httptools", "zttp")


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class Core:
    """One implementation: its `name` for `--http`, the `place` of each of its parts, what it `needs`."""

    name: str
    needs: str
    places: Mapping[str, str]

    def part(self, name: str) -> Any:
        """Return the class or function of this name. Raises ImportError where it was not built."""
        return import_attribute(self.places[name])


_CYTHON = {
    "ASGIDriver": "fastserve.asgi.driver:ASGIDriver",
    "AccessGate": "fastserve.features.access_gate:AccessGate",
    "AccessLines": "fastserve.features.access_lines:AccessLines",
    "AccessLog": "fastserve.features.access_log:AccessLog",
    "AccessRecords": "fastserve.features.access_records:AccessRecords",
    "Counters": "fastserve.features.counters:Counters",
    "Endpoint": "fastserve.net.endpoint:Endpoint",
    "HealthDriver": "fastserve.features.health:HealthDriver",
    "InlineDriver": "fastserve.wsgi.inline:InlineDriver",
    "MetricsDriver": "fastserve.features.metrics_driver:MetricsDriver",
    "RequestIds": "fastserve.features.request_ids:RequestIds",
    "RequestLimit": "fastserve.features.request_limit:RequestLimit",
    "SlowRequests": "fastserve.features.slow_requests:SlowRequests",
    "ThreadedDriver": "fastserve.wsgi.threaded:ThreadedDriver",
    "WebSocketDriver": "fastserve.asgi.websocket:WebSocketDriver",
    "WebSocketUpgrade": "fastserve.ws.handshake:WebSocketUpgrade",
    "connection": "fastserve.h1.connection:Connection",
    "encrypted_connection": "fastserve.h1.encrypted:encrypted_connection",
    "proxy_filter": "fastserve.features.proxy:proxy_filter",
    "refuse_plain": "fastserve.h1.encrypted:refuse_plain",
}
_REFERENCE = {
    "ASGIDriver": "fastserve.reference.asgi:ASGIDriver",
    "AccessGate": "fastserve.reference.access_gate:AccessGate",
    "AccessLines": "fastserve.reference.access_lines:AccessLines",
    "AccessLog": "fastserve.reference.access_log:AccessLog",
    "AccessRecords": "fastserve.reference.access_log:AccessRecords",
    "Counters": "fastserve.reference.counters:Counters",
    "Endpoint": "fastserve.reference.endpoint:Endpoint",
    "HealthDriver": "fastserve.reference.health:HealthDriver",
    "InlineDriver": "fastserve.reference.wsgi.inline:InlineDriver",
    "MetricsDriver": "fastserve.reference.metrics_driver:MetricsDriver",
    "RequestIds": "fastserve.reference.request_ids:RequestIds",
    "RequestLimit": "fastserve.reference.request_limit:RequestLimit",
    "SlowRequests": "fastserve.reference.slow_requests:SlowRequests",
    "ThreadedDriver": "fastserve.reference.wsgi.threaded:ThreadedDriver",
    "WebSocketDriver": "fastserve.reference.asgi_websocket:WebSocketDriver",
    "WebSocketUpgrade": "fastserve.reference.handshake:WebSocketUpgrade",
    "proxy_filter": "fastserve.reference.proxy:proxy_filter",
}
_OVER_LLHTTP = {
    "connection": "fastserve.reference.over_llhttp:connection",
    "encrypted_connection": "fastserve.reference.over_llhttp:encrypted_connection",
    "refuse_plain": "fastserve.reference.over_llhttp:refuse_plain",
}
_OVER_H11 = {
    "connection": "fastserve.reference.over_h11:connection",
    "encrypted_connection": "fastserve.reference.over_h11:encrypted_connection",
    "refuse_plain": "fastserve.reference.over_h11:refuse_plain",
}

#: In the order in which `--http auto` looks for them.
CORES = {
    core.name: core
    for core in (
        Core("cython", "CPython, and an installation without FASTSERVE_PURE", _CYTHON),
        Core("cffi", "an installation without FASTSERVE_PURE, and cffi", {**_REFERENCE, **_OVER_LLHTTP}),
        Core("h11", "h11: pip install 'fastserve[h11]'", {**_REFERENCE, **_OVER_H11}),
    )
}


def find(http: object, say: bool = False) -> Core:
    """Return the core that `--http` names, or else the first that is there; with a line in the log if told.

    Raises StartupError if there is none, or if one is there that cannot be imported.
    """
    missing = []
    wanted = CORES.get(http) if isinstance(http, str) else None
    for core in [wanted] if wanted is not None else CORES.values():
        try:
            core.part("connection")
        except ModuleNotFoundError:
            missing.append(f"{core.name} needs {core.needs}")
        except (ImportError, AttributeError) as error:
            raise StartupError(f"Cannot use --http {core.name}: {error}") from None
        else:
            if say and wanted is None:
                _say(core, missing)
            return core
    raise StartupError(f"Cannot use --http {http}: {'; '.join(missing)}.")


def _say(core: Core, missing: list[str]) -> None:
    if missing:
        logger.warning("HTTP/1 by the slower server in plain Python, %s: %s", core.name, "; ".join(missing))
    else:
        logger.debug("HTTP/1 by %s", core.name)
