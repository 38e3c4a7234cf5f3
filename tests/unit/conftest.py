"""Fixtures of the plain-Python layer's tests."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator

import pytest
from fake_core import FakeCore

from fastserve import log, signals


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCore]:
    """A fake in place of the extension modules. Afterwards the process's signals must be as they were."""
    taken = (*signals.HANDLED, signals.REOPEN)
    before = [signal.getsignal(number) for number in taken]
    fake = FakeCore()
    for name, module in fake.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    yield fake
    assert [signal.getsignal(number) for number in taken] == before
    assert signals._running == []
    assert signals._arrived == []


LOGGERS = [f"{package}{part}" for package in ("fastserve", "uvicorn") for part in ("", ".error", ".access")]


@pytest.fixture
def fresh_loggers() -> Iterator[logging.Logger]:
    """Our loggers and uvicorn's as in a new interpreter, under a root that this returns.

    pytest has handlers on the real one.
    """
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [dict(vars(logger)) for logger in loggers]
    root = logging.RootLogger(logging.WARNING)
    for logger in loggers:
        logger.handlers, logger.filters, logger.propagate, logger.disabled = [], [], True, False
        logger.parent = root if "." not in logger.name else logging.getLogger(logger.name.partition(".")[0])
        logger.setLevel(logging.NOTSET)
    yield root
    log.configure(None, log_config=None)  # takes away what is ours
    for logger, attributes in zip(loggers, before, strict=True):
        vars(logger).update(attributes)
        logger.setLevel(logger.level)  # forgets what is enabled


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Call it for the messages of `fastserve.error` so far."""
    caplog.set_level("INFO", "fastserve")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "fastserve.error"]
