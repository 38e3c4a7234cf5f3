"""fastserve/log.py: who sees fastserve's messages."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator

import pytest

from fastserve.log import TRACE, StderrHandler, configure, logger

OURS = logging.getLogger("fastserve")


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """The loggers as in a new interpreter, under a root of their own: pytest has handlers on the real one."""
    before = (OURS.parent, OURS.handlers, OURS.propagate, OURS.level)
    OURS.parent, OURS.handlers, OURS.propagate = logging.RootLogger(logging.WARNING), [], True
    OURS.setLevel(logging.NOTSET)
    yield OURS.parent
    OURS.parent, OURS.handlers, OURS.propagate = before[:3]
    OURS.setLevel(before[3])


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
