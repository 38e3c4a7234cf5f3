"""fastserve/log.py: who sees fastserve's messages."""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from fastserve.log import (
    StderrHandler,
    StdoutHandler,
    access_logger,
    access_records,
    add_access_handler,
    configure,
    logger,
    reopen_files,
    settle,
)
from fastserve.logfile import FileHandler
from fastserve.logging import TRACE

OURS = logging.getLogger("fastserve")


@pytest.fixture(autouse=True)
def root(fresh_loggers: logging.Logger) -> logging.Logger:
    return fresh_loggers


def test_an_unconfigured_program_sees_messages_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    configure(None)
    configure(None)
    logger.debug("not shown")
    logger.info("value %d", 7)
    logger.warning("careful")
    assert capsys.readouterr().err == "INFO:     value 7\nWARNING:  careful\n"


def test_a_level_is_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    configure("trace")
    logger.log(TRACE, "everything")
    configure("error")
    logger.warning("not shown")
    assert capsys.readouterr().err == "TRACE:    everything\n"


@pytest.mark.parametrize("name", ["root", "fastserve", "fastserve.error"])
def test_a_configured_program_keeps_its_handlers(name: str, root: logging.Logger) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    theirs = root if name == "root" else logging.getLogger(name)
    theirs.addHandler(handler)
    try:
        configure("info")
        logger.info("once")
    finally:
        theirs.removeHandler(handler)
    assert stream.getvalue() == "once\n"
    assert OURS.propagate
    assert OURS.level == logging.INFO


def test_without_a_level_a_configured_program_keeps_its_levels(root: logging.Logger) -> None:
    root.addHandler(logging.NullHandler())
    configure(None)
    assert OURS.level == logging.NOTSET


def test_a_root_logger_that_is_configured_later_repeats_nothing(root: logging.Logger) -> None:
    configure(None)
    stream = io.StringIO()
    root.addHandler(logging.StreamHandler(stream))
    logger.info("once")
    assert stream.getvalue() == ""


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, Broken(), closed()], ids=["none", "broken", "closed"])
def test_a_stderr_that_is_gone_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None
) -> None:
    configure(None)
    monkeypatch.setattr(sys, "stderr", stream)
    logger.error("nobody hears this", exc_info=ValueError("nor this"))


def test_stderr_is_looked_up_for_each_message(capsys: pytest.CaptureFixture[str]) -> None:
    handler = StderrHandler()
    handler.handle(logging.makeLogRecord({"msg": "seen"}))
    assert capsys.readouterr().err == "seen\n"


def test_start_up_lines_have_colours_where_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    configure(None, use_colors=True)
    logger.info("process [%s]", 7, extra={"color_message": "process [\033[36m%s\033[0m]"})
    assert capsys.readouterr().err == "\033[32mINFO\033[0m:     process [\033[36m7\033[0m]\n"


def test_a_level_may_be_a_number() -> None:
    configure(25)
    for each in (logger, access_logger):
        assert (each.isEnabledFor(25), each.isEnabledFor(24)) == (True, False)


def test_messages_go_to_a_file_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "error.log"
    configure(None, use_colors=True, file=FileHandler(path))
    logger.info("once")
    configure(None)
    logger.info("elsewhere")
    assert path.read_text() == "INFO:     once\n"
    assert capsys.readouterr().err == "INFO:     elsewhere\n"


def test_a_file_outlives_a_configuration_that_closes_all_handlers(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    configure(None, file=FileHandler(path))
    logger.info("before")
    logging.shutdown([lambda: OURS.handlers[0]])  # type: ignore[list-item, misc, arg-type]
    logger.info("after")
    assert path.read_text() == "INFO:     before\nINFO:     after\n"


# ---- what was done to uvicorn's loggers ----

UVICORN = logging.getLogger("uvicorn")
UVICORN_ERROR = logging.getLogger("uvicorn.error")
UVICORN_ACCESS = logging.getLogger("uvicorn.access")


def listener(*loggers: logging.Logger) -> io.StringIO:
    """What these loggers are given from now on, as names and messages."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    for each in loggers:
        each.addHandler(handler)
    return stream


@pytest.mark.parametrize("name", ["uvicorn", "uvicorn.error"])
def test_messages_go_to_the_handlers_of_uvicorns_logger(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = listener(logging.getLogger(name))
    logging.getLogger(name).setLevel(logging.INFO)
    configure(None)
    logger.info("once")
    logger.debug("not shown")
    assert stream.getvalue() == "fastserve.error INFO once\n"
    assert capsys.readouterr().err == ""


def test_a_configuration_of_ours_goes_before_uvicorns() -> None:
    theirs, ours = listener(UVICORN), listener(OURS)
    configure("info")
    logger.info("once")
    assert (theirs.getvalue(), ours.getvalue()) == ("", "fastserve.error INFO once\n")


def test_a_level_that_is_given_goes_before_uvicorns() -> None:
    stream = listener(UVICORN)
    UVICORN_ERROR.setLevel(logging.INFO)
    configure("error")
    logger.warning("not shown")
    logger.error("shown")
    assert stream.getvalue() == "fastserve.error ERROR shown\n"


def test_what_the_application_does_to_uvicorns_loggers_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    configure(None)
    UVICORN_ERROR.setLevel(logging.WARNING)
    settle()
    logger.info("not shown")
    stream = listener(UVICORN_ERROR)
    settle()
    logger.warning("once")
    assert capsys.readouterr().err == ""
    assert stream.getvalue() == "fastserve.error WARNING once\n"


def test_handlers_that_the_application_adds_keep_the_level_info() -> None:
    configure(None)
    stream = listener(UVICORN)
    settle()
    logger.info("once")
    assert stream.getvalue() == "fastserve.error INFO once\n"


def test_the_next_configuration_follows_uvicorns_loggers_no_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stream = listener(UVICORN)
    configure(None)
    UVICORN.handlers.clear()
    configure(None)
    logger.info("once")
    assert stream.getvalue() == ""
    assert capsys.readouterr().err == "INFO:     once\n"


# ---- who handles the records of requests ----

REQUEST = ('%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", "/", "1.1", 200)


def nothing() -> None: ...


def an_access_handler() -> None:
    UVICORN_ACCESS.addHandler(logging.NullHandler())


def our_access_handler() -> None:
    access_logger.addHandler(logging.NullHandler())


def a_handler_for_all_of_uvicorn() -> None:
    UVICORN.addHandler(logging.NullHandler())


def muted() -> None:
    UVICORN_ACCESS.propagate = False


def ours_muted() -> None:
    access_logger.propagate = False


def a_root_handler(root: logging.Logger | None = None) -> None:
    parent = OURS.parent
    assert parent is not None
    parent.addHandler(logging.NullHandler())


@pytest.mark.parametrize(
    ("done", "log_config", "handled"),
    [
        (nothing, "", None),
        (a_root_handler, "", None),
        (an_access_handler, "", True),
        (our_access_handler, "", True),
        (a_handler_for_all_of_uvicorn, "", True),
        (muted, "", False),
        (ours_muted, "", False),
        (nothing, None, False),
        (a_root_handler, None, True),
        (an_access_handler, None, True),
        (muted, None, False),
    ],
    ids=lambda value: value.__name__ if callable(value) else repr(value),
)
@pytest.mark.parametrize("when", ["before", "while the application starts"])
def test_who_handles_requests(done: Any, log_config: Any, handled: bool | None, when: str) -> None:
    if when == "before":
        done()
    configure(None, log_config)
    if when != "before":
        done()
    settle()
    assert access_records(log_config) is handled


def test_requests_are_logged_whatever_the_level_of_the_root_logger_is(root: logging.Logger) -> None:
    root.addHandler(logging.NullHandler())
    configure(None)
    assert access_logger.isEnabledFor(logging.INFO)


@pytest.mark.parametrize("level", ["info", "warning"])
def test_the_level_is_that_of_requests_too(level: str) -> None:
    configure(level)
    assert access_logger.isEnabledFor(logging.INFO) is (level == "info")


def test_a_filter_of_uvicorns_logger_sees_our_requests(capsys: pytest.CaptureFixture[str]) -> None:
    configure(None)
    settle()
    seen: list[Any] = []
    UVICORN_ACCESS.addFilter(lambda record: seen.append(record.args) or False)  # type: ignore[func-returns-value]
    add_access_handler(StdoutHandler(), False)
    add_access_handler(StdoutHandler(), False)
    access_logger.info(*REQUEST)
    assert seen == [REQUEST[1:]]
    assert capsys.readouterr().out == ""
    UVICORN_ACCESS.filters.clear()
    access_logger.info(*REQUEST)
    assert capsys.readouterr().out == 'INFO:     127.0.0.1:5 - "GET / HTTP/1.1" 200 OK\n'


# ---- files that were moved away ----


def test_files_are_opened_again(tmp_path: Path) -> None:
    path, theirs, emptied = (tmp_path / name for name in ("ours.log", "theirs.log", "emptied.log"))
    configure(None, file=FileHandler(path))
    handlers = [logging.FileHandler(theirs), logging.FileHandler(emptied, mode="w")]
    for handler in handlers:
        logger.addHandler(handler)
    try:
        logger.info("before")
        for moved in (path, theirs):
            moved.rename(f"{moved}.moved")
        reopen_files()
        logger.info("after")
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
    assert path.read_text() == "INFO:     after\n"
    assert theirs.read_text() == "after\n"
    assert (tmp_path / "theirs.log.moved").read_text() == "before\n"
    assert emptied.read_text() == "before\nafter\n"
