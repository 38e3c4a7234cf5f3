"""How may the options be passed in Python?

As keywords, and to `Config` by position too, in uvicorn's order. What else uvicorn's Config takes is not an
option of any command line: functions, and what belongs to them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastserve.errors import OptionError
from fastserve.options import OPTIONS

__all__ = ["NOTIFY_TIMEOUT_S", "POSITIONS", "by_name", "notified", "signature"]

#: The parameters of uvicorn 0.54's Config after the application, in their order.
_POSITIONS = """
    host port uds fd loop http http2
    ws ws_max_size ws_max_queue ws_ping_interval ws_ping_timeout ws_per_message_deflate
    lifespan env_file log_config log_level access_log use_colors interface
    reload reload_dirs reload_delay reload_includes reload_excludes workers
    proxy_headers server_header date_header forwarded_allow_ips root_path
    limit_concurrency limit_max_requests limit_max_requests_jitter backlog
    timeout_keep_alive timeout_notify timeout_graceful_shutdown timeout_worker_healthcheck callback_notify
    ssl_keyfile ssl_certfile ssl_keyfile_password ssl_version ssl_cert_reqs ssl_ca_certs ssl_ciphers
    ssl_context_factory headers factory h11_max_incomplete_event_size reset_contextvars
"""
POSITIONS = tuple(_POSITIONS.split())

#: How long a program that wants to be notified waits for it, unless it says otherwise.
NOTIFY_TIMEOUT_S = 30.0


def by_name(values: Sequence[Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options by their names. Raises TypeError for too many values, or two of one option."""
    if len(values) > len(POSITIONS):
        raise TypeError(f"Config() takes up to {len(POSITIONS) + 1} positional arguments")
    named = dict(zip(POSITIONS, values, strict=False))
    for name in named:
        if name in options:
            raise TypeError(f"Config() got multiple values for argument {name!r}")
    return {**named, **options}


def notified(options: dict[str, Any]) -> tuple[Callable[[], Any] | None, float]:
    """Take `callback_notify` and `timeout_notify`, in seconds, out of the options. Raises OptionError."""
    callback = options.pop("callback_notify", None)
    interval_s = options.pop("timeout_notify", NOTIFY_TIMEOUT_S)
    if callback is not None and not callable(callback):
        raise OptionError(f"Invalid value for callback_notify: {callback!r} is not callable.")
    if isinstance(interval_s, bool) or not isinstance(interval_s, (int, float)) or not interval_s >= 0:
        raise OptionError(f"Invalid value for timeout_notify: {interval_s!r} is not a number, at least 0.")
    return callback, float(interval_s)


def signature(positional: bool, *first: str) -> inspect.Signature:
    """Return what `help()` and editors that ask a running Python show: every keyword and its default.

    `first` are the parameters before the options; `positional`: uvicorn's may stand after them in its order.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    defaults = {option.name: option.default for option in OPTIONS if not option.argument}
    defaults.update(callback_notify=None, timeout_notify=NOTIFY_TIMEOUT_S, ssl_context_factory=None)
    parameters = [inspect.Parameter(name, kind) for name in first]
    # One that is still to come holds its position for those after it.
    for name in POSITIONS if positional else ():
        parameters.append(inspect.Parameter(name, kind, default=defaults.pop(name, None)))
    for name, default in defaults.items():
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default))
    return inspect.Signature(parameters)
