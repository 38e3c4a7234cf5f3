"""Fixtures of the application's suite: both event loops, and servers that must leave nothing behind."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from .serving import App, Serving, until

LOOPS = ["uvloop", "asyncio"]

Serve = Callable[..., Serving]


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def serve(loop: str) -> Iterator[Serve]:
    """Serves an application: `serve(app, **options)`. Afterwards nothing may be left of it."""
    running: list[Serving] = []
    before = live_objects()  # what a failed test has left: pytest keeps its frames

    def start(app: App, **options: Any) -> Serving:
        serving = Serving(app, loop, **options)
        running.append(serving)
        return serving

    yield start
    stop_all(running)
    assert_no_more_objects(before)


def stop_all(running: list[Serving]) -> None:
    for serving in running:
        serving.stop()
    while running:
        running.pop().assert_clean()


def live_objects() -> dict[str, int]:
    """How many of the extension modules' objects live; nothing where they were not built."""
    if find_spec("fastserve.net.debug") is None:
        return {}
    from fastserve.net import debug

    return debug.live_objects()


def assert_no_more_objects(before: dict[str, int]) -> None:
    """No more connections, sinks and cycles live than before; in a build that counts them."""

    def gone() -> bool:
        gc.collect()
        return all(count <= before[kind] for kind, count in live_objects().items())

    until(gone, lambda: f"left alive: {live_objects()}, before: {before}")
