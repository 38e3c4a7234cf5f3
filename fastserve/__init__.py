"""fastserve: an HTTP server for ASGI and WSGI applications.

The names below are imported when they are first used, so that importing one module of the package (the
command does) costs only what that module needs. So are the modules that programs reach through the package
where they did so with uvicorn's: `fastserve.config.LOGGING_CONFIG`.
"""

from typing import TYPE_CHECKING, Any

from fastserve._version import __version__

if TYPE_CHECKING:
    from fastserve import config as config
    from fastserve import importer as importer
    from fastserve import logging as logging
    from fastserve import server as server
    from fastserve.cli import main
    from fastserve.config import Config
    from fastserve.errors import OptionError, StartupError
    from fastserve.server import Server
    from fastserve.serving import run

__all__ = ["Config", "OptionError", "Server", "StartupError", "__version__", "main", "run"]

_HOMES = {
    "Config": "fastserve.config",
    "OptionError": "fastserve.errors",
    "Server": "fastserve.server",
    "StartupError": "fastserve.errors",
    "main": "fastserve.cli",
    "run": "fastserve.serving",
}
_MODULES = frozenset({"config", "importer", "logging", "server"})


def __getattr__(name: str) -> Any:
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
