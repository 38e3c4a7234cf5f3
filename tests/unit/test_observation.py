"""fastserve/observation.py: who watches, where only a part can."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from fastserve.config import Config
from fastserve.errors import StartupError
from fastserve.observation import watch_loop


async def app(scope: Any, receive: Any, send: Any) -> None: ...


def test_without_the_extension_modules_nobody_watches_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastserve.loop_watch", None)
    loop = asyncio.new_event_loop()
    assert watch_loop(Config(app), loop, None, None, []) is None
    with pytest.raises(StartupError, match=r"Cannot watch the event loop \(--blocked-loop-ms\): "):
        watch_loop(Config(app, blocked_loop_ms=500), loop, None, None, [])
    loop.close()
