"""fastserve: an HTTP server for ASGI applications.

The names below are imported when they are first used, so that importing one module of the package (the
command does) costs only what that module needs.
"""

from typing import TYPE_CHECKING, Any

from fastserve._version import __version__

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    import importlib

    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
