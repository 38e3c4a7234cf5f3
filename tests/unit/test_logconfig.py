"""fastserve/logconfig.py: configurations in each form, written for uvicorn or for us."""

from __future__ import annotations

import configparser
import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from fastserve import logconfig
from fastserve.errors import OptionError
from fastserve.logging import AccessFormatter, ColourizedFormatter, DefaultFormatter

pytestmark = pytest.mark.usefixtures("fresh_loggers")

CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"access": {"()": "uvicorn.logging.AccessFormatter", "fmt": "%(client_addr)s"}},
    "handlers": {"access": {"class": "logging.StreamHandler", "formatter": "access"}},
    "loggers": {"uvicorn.access": {"handlers": ["access"], "level": "INFO"}},
}

INI = """
[loggers]
keys=root,access
[handlers]
keys=access
[formatters]
keys=access
[logger_root]
handlers=
[logger_access]
level=INFO
handlers=access
qualname=uvicorn.access
[handler_access]
class=StreamHandler
formatter=access
args=(sys.stdout,)
[formatter_access]
class=uvicorn.logging.AccessFormatter
format=%(client_addr)s
"""

TOML = """
version = 1
disable_existing_loggers = false
[formatters.access]
"()" = "uvicorn.logging.AccessFormatter"
fmt = "%(client_addr)s"
[handlers.access]
class = "logging.StreamHandler"
formatter = "access"
[loggers."uvicorn.access"]
handlers = ["access"]
level = "INFO"
"""


@pytest.fixture(autouse=True)
def without_uvicorn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)


@pytest.fixture
def root_handlers() -> Any:
    """fileConfig takes the root logger's handlers away."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def formatter() -> ColourizedFormatter:
    (handler,) = logging.getLogger("uvicorn.access").handlers
    assert isinstance(handler.formatter, ColourizedFormatter)
    return handler.formatter


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.json", json.dumps(CONFIG)),
        ("log.yaml", json.dumps(CONFIG)),
        ("log.YML", json.dumps(CONFIG)),
        ("log.toml", TOML),
        ("log.ini", INI),
        ("log.conf", INI),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.usefixtures("root_handlers")
def test_a_file(tmp_path: Path, name: str, content: str, kind: type) -> None:
    if name.lower().endswith(("yaml", "yml")):
        pytest.importorskip("yaml")
    path = tmp_path / name
    path.write_text(content)
    logconfig.apply(kind(path), None)
    assert type(formatter()) is AccessFormatter
    assert formatter()._fmt == "%(client_addr)s"


@pytest.mark.usefixtures("root_handlers")
@pytest.mark.parametrize("kind", ["file", "parser"])
def test_what_python_reads_a_configuration_from(kind: str) -> None:
    source: Any = io.StringIO(INI)
    if kind == "parser":
        source = configparser.RawConfigParser()
        source.read_string(INI)
    logconfig.apply(source, None)
    assert type(formatter()) is AccessFormatter


@pytest.mark.parametrize("use_colors", [True, False])
def test_colours_reach_the_formatters_that_do_not_say(use_colors: bool) -> None:
    logconfig.apply(CONFIG, use_colors)
    assert formatter().use_colors is use_colors
    said = {"access": {**CONFIG["formatters"]["access"], "use_colors": not use_colors}}
    logconfig.apply({**CONFIG, "formatters": said}, use_colors)
    assert formatter().use_colors is not use_colors


def test_the_dictionary_stays_as_it_was() -> None:
    before = json.dumps(CONFIG)
    logconfig.apply(CONFIG, True)
    assert json.dumps(CONFIG) == before


def test_our_own_names() -> None:
    ours = {"access": {"()": "fastserve.logging.DefaultFormatter"}}
    logconfig.apply({**CONFIG, "formatters": ours}, None)
    assert type(formatter()) is DefaultFormatter


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("none.json", None, "'none.json': No such file or directory|cannot read .*No such file or directory"),
        ("bad.json", "{", "cannot be parsed: Expecting property name"),
        ("list.json", "[]", "holds no table"),
        ("bad.ini", "x", "cannot be parsed: File contains no section headers"),
        ("empty.ini", "", "KeyError"),
        ("bad.json", '{"version": 2}', "ValueError: Unsupported version: 2"),
        (
            "bad.json",
            '{"version": 1, "disable_existing_loggers": false, "formatters": {"a": {"()": "no.such.thing"}}}',
            "Unable to configure formatter 'a': .*'no'|Unable to configure formatter 'a': Cannot resolve",
        ),
    ],
)
def test_a_bad_configuration_is_told_in_one_line(
    tmp_path: Path, name: str, content: str | None, told: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(OptionError, match=told) as raised:
        logconfig.apply(str(path), None)
    assert "\n" not in str(raised.value)


def test_a_parser_that_is_missing_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = tmp_path / "a.yaml"
    path.write_text("")
    with pytest.raises(OptionError, match="YAML needs PyYAML"):
        logconfig.apply(str(path), None)
