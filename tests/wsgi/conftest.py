"""Fixtures of the WSGI suite: both event loops, both drivers, and servers that must leave nothing behind.

With `--parity` everything runs against every implementation of HTTP/1. Without, what stands in plain Python
is asked once: the last of them, which differs from the others in what parses, and over one event loop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgi.conftest import assert_no_more_objects, leave_out_what_is_not_asked, live_objects, stop_all
from asgi.serving import App, Serving, until
from wire.servers import HTTP_IMPLEMENTATIONS

Serve = Callable[..., Serving]

HERE = Path(__file__).parent

#: The options of the two drivers.
DRIVERS = {"threads": {"wsgi_threads": 4}, "inline": {"wsgi_threads": 0}}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Not over the wire or in megabytes: tests/wire does that, and it takes a server process each.
    leave_out_what_is_not_asked(config, items, HERE, of_the_last=None)


@pytest.fixture(params=HTTP_IMPLEMENTATIONS)
def http(request: pytest.FixtureRequest) -> str:
    """The `--http` implementation under test."""
    name: str = request.param
    return name


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def serve(http: str, loop: str, driver: str) -> Iterator[Serve]:
    """Serves an application with each of the drivers: `serve(app, **options)`."""
    yield from serving(http, loop, DRIVERS[driver])


@pytest.fixture
def serve_threads(http: str, loop: str) -> Iterator[Serve]:
    """Serves an application in threads."""
    yield from serving(http, loop, DRIVERS["threads"])


@pytest.fixture
def serve_inline(http: str, loop: str) -> Iterator[Serve]:
    """Serves an application in the loop's thread."""
    yield from serving(http, loop, DRIVERS["inline"])


def serving(http: str, loop: str, options: dict[str, Any]) -> Iterator[Serve]:
    running: list[Serving] = []
    before = live_objects()

    def start(app: App, **more: Any) -> Serving:
        started = Serving(app, loop, **{"interface": "wsgi", "http": http, **options, **more})
        running.append(started)
        return started

    yield start
    stop_all(running)
    until(lambda: not threads_of_ours(), lambda: f"threads left behind: {threads_of_ours()}")
    assert_no_more_objects(before)


def threads_of_ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("fastserve-wsgi")]
