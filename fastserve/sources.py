"""Where does the value of an option come from?

From the first of these that has one: the command line, the variable `FASTSERVE_<OPTION>`, uvicorn's variable
`UVICORN_<OPTION>` and then such as FORWARDED_ALLOW_IPS, the configuration file, the table's default. Only the
value that counts is judged, and a bad one is told with the name of its source.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from fastserve.errors import OptionError
from fastserve.options import BY_NAME, ENVIRONMENT_PREFIX, OPTIONS, UVICORN_OPTIONS, Option, unknown

__all__ = ["CONFIG_VARIABLE", "ConfigFile", "Setting", "collect", "read_config_file", "render"]

PYPROJECT = "pyproject.toml"
#: The variable that names the configuration file where no flag does.
CONFIG_VARIABLE = ENVIRONMENT_PREFIX + "CONFIG"

#: A configuration file may spell an option as its keyword or as its flag.
_SPELLINGS = BY_NAME | {option.flag[2:].replace("-", "_"): option for option in OPTIONS if option.flag}


@dataclass(frozen=True)
class Setting:
    """A value, judged and converted, and the source that it came from."""

    value: Any
    source: str


@dataclass(frozen=True)
class ConfigFile:
    """What a configuration file says: values as they stand there, by the names of the table."""

    path: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


def collect(given: Mapping[str, Any], environment: Mapping[str, str], file: ConfigFile) -> dict[str, Setting]:
    """Return a setting for each option that any source gives. Raises OptionError.

    `given` is what the command line says; None and () stand for nothing. An empty variable counts as unset.
    """
    for name in sorted(UVICORN_OPTIONS - {*BY_NAME}):
        if environment.get(f"UVICORN_{name.upper()}"):
            raise OptionError(unknown(f"UVICORN_{name.upper()}"))
    settings = {}
    for option in OPTIONS:
        for value, label, source in _offers(option, given, environment, file):
            settings[option.name] = Setting(option.convert(value, label), source)
            break
    return settings


def _offers(
    option: Option, given: Mapping[str, Any], environment: Mapping[str, str], file: ConfigFile
) -> Iterator[tuple[Any, str, str]]:
    """Yield what each source says of this option: the value, what a message calls it, and the source."""
    if given.get(option.name) not in (None, ()):
        yield given[option.name], option.spelling, "command line"
    if text := environment.get(option.environment):
        yield text, option.environment, option.environment
    theirs = option.uvicorn_environment
    if theirs is not None and (text := environment.get(theirs)):
        # uvicorn takes a list apart at its spaces, and one of paths as PATH is; ours has lines.
        separator = os.pathsep if option.unit == "a path" else None
        yield (text.split(separator) if option.repeatable else text), theirs, theirs
    if option.variable and (text := environment.get(option.variable)):
        yield text, option.variable, option.variable
    if option.name in file.values:
        yield file.values[option.name], f"{option.name} in {file.path}", file.path


def read_config_file(path: str | None) -> ConfigFile:
    """Return what the file says, or without a path ./pyproject.toml if it has a table [tool.fastserve].

    A file that ends in `.py` is run, and its variables are read; any other is TOML. Raises OptionError, with
    one line for a file that is missing or broken, or that names an option that does not exist.
    """
    if path is None:
        return _pyproject()
    if path.endswith(".py"):
        return ConfigFile(path, _by_name(_run(path), path))
    found = _parse(_read(path), path)
    if os.path.basename(path) == PYPROJECT:
        found = found.get("tool", {}).get("fastserve", {})
    return ConfigFile(path, _by_name(found, path))


def _pyproject() -> ConfigFile:
    try:
        data = _read(PYPROJECT)
    except OptionError:
        return ConfigFile()
    # Not parsed where it cannot matter: that takes time, and a broken file of others is not ours to judge.
    if b"fastserve" not in data:
        return ConfigFile()
    table = _parse(data, PYPROJECT).get("tool", {}).get("fastserve", {})
    return ConfigFile(PYPROJECT, _by_name(table, PYPROJECT))


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise OptionError(f"Cannot read {path}: {error.strerror}.") from None


def _parse(data: bytes, path: str) -> dict[str, Any]:
    # Imported here: most commands read no file.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        found: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
    except ValueError as error:  # both of the decoding and of the grammar
        raise OptionError(f"Cannot read {path}: {error}.") from None
    return found


def _run(path: str) -> dict[str, Any]:
    """Run a configuration file; return its variables, without what a program is otherwise made of."""
    import runpy

    _read(path)
    try:
        found = runpy.run_path(path, run_name="fastserve_config")
    except Exception as error:
        raise OptionError(f"Cannot read {path}: {type(error).__name__}: {error}.") from error
    return {
        name: value
        for name, value in found.items()
        if name in _SPELLINGS
        or not (name.startswith("_") or isinstance(value, ModuleType) or callable(value))
    }


def _by_name(found: Any, path: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise OptionError(f"Cannot read {path}: tool.fastserve is not a table.")
    values: dict[str, Any] = {}
    for spelled, value in found.items():
        option = _SPELLINGS.get(spelled.replace("-", "_"))
        if option is None:
            raise OptionError(f"{unknown(spelled)} ({path})")
        if option.name in values:
            raise OptionError(f"{path} names {option.name} twice.")
        values[option.name] = value
    return values


def render(settings: Mapping[str, Setting]) -> str:
    """Return every option with its value and source, as a configuration file would have it.

    An option without a value is a comment, since TOML has no word for that; so is a password.
    """
    lines = []
    for option in OPTIONS:
        setting = settings.get(option.name, Setting(option.default, "default"))
        secret = option.name.endswith("password") and setting.value is not None
        shown = "(not shown)" if secret else _toml(setting.value)
        hidden = "# " if secret or setting.value is None else ""
        line = f"{hidden}{option.name} = {shown}"
        lines.append(f"{line:<48}  # {setting.source}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False, default=str)
