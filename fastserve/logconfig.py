"""What does the user's logging configuration say?

A dictionary for `logging.config.dictConfig`, from Python or from a JSON, YAML or TOML file, or a file for
`logging.config.fileConfig`. The names of uvicorn's formatters stand for ours here, so that a configuration
written for uvicorn is read where uvicorn is not installed.
"""

from __future__ import annotations

import configparser
import logging.config
import os
import sys
from copy import deepcopy
from typing import Any

from fastserve.errors import OptionError

__all__ = ["apply"]

_FORMATTERS = {
    f"{package}.logging.{name}": f"fastserve.logging.{name}"
    for package in ("uvicorn", "fastserve")
    for name in ("AccessFormatter", "ColourizedFormatter", "DefaultFormatter")
}
"""How a configuration may name one of our formatters → where it is."""


def apply(source: Any, use_colors: bool | None) -> None:
    """Configure logging from a dictionary, a path, an open file or a `RawConfigParser`. Raises OptionError.

    `use_colors` reaches the formatters of a dictionary that are ours and do not say themselves.
    """
    try:
        if isinstance(source, os.PathLike):
            source = os.fspath(source)
        if isinstance(source, str):
            source = _read(source)
        if isinstance(source, dict):
            logging.config.dictConfig(_translated(source, use_colors))
        else:
            logging.config.fileConfig(_parsed(source), disable_existing_loggers=False)
    except OptionError:
        raise
    except Exception as error:  # from whatever the configuration names
        # The cause says what is wrong with the part that the error names.
        told = " ".join(f"{error}: {error.__cause__}".split()) if error.__cause__ else str(error)
        raise OptionError(f"Invalid value for log_config: {type(error).__name__}: {told}") from None


def _read(path: str) -> Any:
    """Return a file's content: a dictionary, or a parser if it is none of JSON, YAML and TOML."""
    suffix = os.path.splitext(path)[1].lower()
    reader = {".json": _json, ".yaml": _yaml, ".yml": _yaml, ".toml": _toml}.get(suffix, _parsed)
    try:
        with open(path, encoding="utf-8") as file:
            content = reader(file)
    except OptionError:
        raise
    except OSError as error:
        raise OptionError(f"Invalid value for log_config: cannot read {path!r}: {error.strerror}.") from None
    except Exception as error:  # each format has its own
        told = " ".join(str(error).split())
        raise OptionError(f"Invalid value for log_config: {path!r} cannot be parsed: {told}") from None
    if reader is not _parsed and not isinstance(content, dict):
        raise OptionError(f"Invalid value for log_config: {path!r} holds no table.")
    return content


def _json(file: Any) -> Any:
    import json

    return json.load(file)


def _yaml(file: Any) -> Any:
    try:
        import yaml  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise OptionError(
            f"Cannot read log_config {file.name!r}: YAML needs PyYAML (pip install 'fastserve[yaml]')."
        ) from None
    return yaml.safe_load(file)


def _toml(file: Any) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(file.read())


def _parsed(source: Any) -> configparser.RawConfigParser:
    """Return a parser with what it, or an open file, holds, and with our formatters."""
    if isinstance(source, configparser.RawConfigParser):
        parser = source
    else:
        parser = configparser.ConfigParser()
        parser.read_file(source)
    for name in parser.sections():
        named = parser.get(name, "class", raw=True, fallback="")
        if name.startswith("formatter_") and named in _FORMATTERS:
            parser.set(name, "class", _FORMATTERS[named])
    return parser


def _translated(config: dict[str, Any], use_colors: bool | None) -> dict[str, Any]:
    """Return a copy of the dictionary with our formatters."""
    config = {**config, "formatters": deepcopy(config.get("formatters", {}))}
    for formatter in config["formatters"].values():
        for key in ("()", "class"):
            named = formatter.get(key)
            if isinstance(named, str) and named in _FORMATTERS:
                formatter[key] = _FORMATTERS[named]
                if key == "()" and formatter.get("use_colors") is None:
                    formatter["use_colors"] = use_colors
    return config
