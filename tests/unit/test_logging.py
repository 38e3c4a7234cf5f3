"""fastserve/logging.py: how records look."""

from __future__ import annotations

import io
import logging
import logging.config
import sys
from typing import Any

import pytest

from fastserve.logging import (
    ACCESS_FORMAT,
    DEFAULT_FORMAT,
    LOGGING_CONFIG,
    TRACE,
    AccessFormatter,
    ColourizedFormatter,
    DefaultFormatter,
    style,
)


def record(
    level: int = logging.INFO, message: str = "text", *arguments: Any, **more: Any
) -> logging.LogRecord:
    made = logging.LogRecord("fastserve.error", level, "", 0, message, arguments, None)
    vars(made).update(more)
    return made


def request(status: int) -> logging.LogRecord:
    return record(logging.INFO, '%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", "/a?b", "1.1", status)


@pytest.mark.parametrize(
    ("level", "colour"),
    [
        (TRACE, 34),
        (logging.DEBUG, 36),
        (logging.INFO, 32),
        (logging.WARNING, 33),
        (logging.ERROR, 31),
        (logging.CRITICAL, 91),
    ],
)
def test_the_level_is_nine_columns_wide(level: int, colour: int) -> None:
    logging.addLevelName(TRACE, "TRACE")
    name = logging.getLevelName(level)
    plain = DefaultFormatter(DEFAULT_FORMAT, use_colors=False).format(record(level))
    assert plain == f"{name + ':':<9} text"
    coloured = DefaultFormatter(DEFAULT_FORMAT, use_colors=True).format(record(level))
    assert coloured == plain.replace(name, f"\033[{colour}m{name}\033[0m")


def test_a_level_of_the_programs_own_has_no_colour() -> None:
    assert DefaultFormatter(DEFAULT_FORMAT, use_colors=True).format(record(25)) == "Level 25: text"


def test_a_record_stays_as_it_was_for_the_next_handler() -> None:
    shown = record(logging.INFO, "%s", 1, color_message="<%s>")
    assert DefaultFormatter(DEFAULT_FORMAT, use_colors=True).format(shown).endswith(" <1>")
    assert logging.Formatter().format(shown) == "1"
    assert "levelprefix" not in vars(shown)


@pytest.mark.parametrize(
    ("status", "shown", "colour"),
    [
        (101, "101 Switching Protocols", 97),
        (200, "200 OK", 32),
        (304, "304 Not Modified", 33),
        (404, "404 Not Found", 31),
        (503, "503 Service Unavailable", 91),
        (299, "299 ", 32),
        (600, "600 ", None),
    ],
)
def test_a_request(status: int, shown: str, colour: int | None) -> None:
    plain = AccessFormatter(ACCESS_FORMAT, use_colors=False).format(request(status))
    assert plain == f'INFO:     127.0.0.1:5 - "GET /a?b HTTP/1.1" {shown}'
    coloured = AccessFormatter("%(request_line)s|%(status_code)s", use_colors=True).format(request(status))
    expected = shown if colour is None else f"\033[{colour}m{shown}\033[0m"
    assert coloured == f"\033[1mGET /a?b HTTP/1.1\033[0m|{expected}"


def test_the_other_styles_of_a_format() -> None:
    assert AccessFormatter("{client_addr}", None, "{").format(request(200)) == "127.0.0.1:5"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("kind", "name"), [(DefaultFormatter, "stderr"), (AccessFormatter, "stdout")])
def test_colours_are_for_a_terminal(
    monkeypatch: pytest.MonkeyPatch, kind: type[ColourizedFormatter], name: str
) -> None:
    closed = io.StringIO()
    closed.close()
    for stream, expected in ((io.StringIO(), False), (Terminal(), True), (closed, False), (None, False)):
        monkeypatch.setattr(sys, name, stream)
        assert kind().use_colors is expected
        assert kind(use_colors=not expected).use_colors is not expected


def test_style() -> None:
    assert style("x") == "x"
    assert style("x", "cyan", bold=True) == "\033[36m\033[1mx\033[0m"


@pytest.mark.usefixtures("fresh_loggers")
def test_the_configuration_to_start_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.config.dictConfig(LOGGING_CONFIG)
    logging.getLogger("fastserve.error").info("text")
    logging.getLogger("fastserve.access").handle(request(200))
    out, err = capsys.readouterr()
    assert err == "INFO:     text\n"
    assert out == 'INFO:     127.0.0.1:5 - "GET /a?b HTTP/1.1" 200 OK\n'
