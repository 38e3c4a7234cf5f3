"""Fixtures of the WSGI suite: both event loops, both drivers, and servers that must leave nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgi.conftest import assert_no_more_objects, stop_all
from asgi.serving import App, Serving, until

from fastserve.net import debug

Serve = Callable[..., Serving]

#: The options of the two drivers.
DRIVERS = {"threads": {"wsgi_threads": 4}, "inline": {"wsgi_threads": 0}}


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def serve(loop: str, driver: str) -> Iterator[Serve]:
    """Serves an application with each of the drivers: `serve(app, **options)`."""
    yield from serving(loop, DRIVERS[driver])


@pytest.fixture
def serve_threads(loop: str) -> Iterator[Serve]:
    """Serves an application in threads."""
    yield from serving(loop, DRIVERS["threads"])


@pytest.fixture
def serve_inline(loop: str) -> Iterator[Serve]:
    """Serves an application in the loop's thread."""
    yield from serving(loop, DRIVERS["inline"])


def serving(loop: str, options: dict[str, Any]) -> Iterator[Serve]:
    running: list[Serving] = []
    before = debug.live_objects()

    def start(app: App, **more: Any) -> Serving:
        started = Serving(app, loop, **{"interface": "wsgi", **options, **more})
        running.append(started)
        return started

    yield start
    stop_all(running)
    until(lambda: not threads_of_ours(), lambda: f"threads left behind: {threads_of_ours()}")
    assert_no_more_objects(before)


def threads_of_ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("fastserve-wsgi")]
