"""Which values are of the form that an option wants, where a type and a range do not say it?

Each function raises ValueError for what is not; `Option.judge` names one of them.
"""

from __future__ import annotations

import os
import re
from typing import Any

from fastserve.address import parsed
from fastserve.logfile import Rotation

__all__ = ["access_format", "address", "datagrams", "existing", "log_config", "metrics", "paths", "rotation"]


def rotation(value: Any) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    Rotation.of(value)


def paths(value: Any) -> None:
    paths = value.split(",") if isinstance(value, str) else ()
    if not (0 < len(paths) < 3 and all(path.startswith("/") for path in paths)):
        raise ValueError(f"{value!r} is not a path or two, like /livez,/readyz")


def address(value: str) -> None:
    parsed(value)


def existing(path: str) -> None:
    if not os.path.exists(path):
        raise ValueError(f"there is no directory {path!r}")


def access_format(value: Any) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    if value != "uvicorn":
        from fastserve.access_format import access_format as line_format  # not of every start

        line_format(value)


def metrics(value: Any) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    if not re.fullmatch("/[!-~]*", value):
        try:
            parsed(f":{value}" if value.isdecimal() else value)
        except ValueError:
            raise ValueError(f"{value!r} is neither a path nor an address") from None


def datagrams(value: Any) -> None:
    if not isinstance(value, str) or not re.fullmatch(r"\S+:\d{1,5}", value) or parsed(value)[0] != "tcp":
        raise ValueError(f"{value!r} is no HOST:PORT")


def log_config(value: Any) -> None:
    if value is None or isinstance(value, (str, dict, os.PathLike)):
        return
    if not (hasattr(value, "readline") or hasattr(value, "read_file")):  # a file, a parser
        raise ValueError(f"{value!r} is no logging configuration")
