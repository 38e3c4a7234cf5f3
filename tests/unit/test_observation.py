"""fastserve/observation.py: who watches, where only a part can."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from fastserve import core
from fastserve.config import Config
from fastserve.errors import StartupError
from fastserve.observation import request_ids, watch_loop


async def app(scope: Any, receive: Any, send: Any) -> None: ...


def test_without_the_extension_modules_nobody_watches_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastserve.loop_watch", None)
    loop = asyncio.new_event_loop()
    assert watch_loop(Config(app), loop, None, None, []) is None
    with pytest.raises(StartupError, match=r"Cannot watch the event loop \(--blocked-loop-ms\): "):
        watch_loop(Config(app, blocked_loop_ms=500), loop, None, None, [])
    loop.close()


def test_the_server_in_plain_python_has_no_names_for_requests() -> None:
    inner = object()
    assert request_ids(Config(app), core.CORES["h11"], inner) is inner
    with pytest.raises(StartupError, match=r"--request-id needs --http cython, this is h11\."):
        request_ids(Config(app, request_id=True), core.CORES["h11"], inner)
