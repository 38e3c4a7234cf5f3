"""Fixtures of the plain-Python layer's tests."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator

import pytest
from fake_core import FakeCore

from fastserve import signals


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCore]:
    """A fake in place of the extension modules. Afterwards the process's signals must be as they were."""
    before = [signal.getsignal(number) for number in signals.HANDLED]
    fake = FakeCore()
    for name, module in fake.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    yield fake
    assert [signal.getsignal(number) for number in signals.HANDLED] == before
    assert signals._running == []
    assert signals._arrived == []


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Call it for the messages of `fastserve.error` so far."""
    caplog.set_level("INFO", "fastserve")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "fastserve.error"]
