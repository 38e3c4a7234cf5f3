"""Fixtures of the application's suite: both event loops, and servers that must leave nothing behind.

With `--parity` everything runs against every implementation of HTTP/1. Without, those in plain Python are
asked by the last of them, over one event loop, what an application may do wrong.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Container, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from wire.servers import HTTP_IMPLEMENTATIONS

from .serving import App, Serving, until

LOOPS = ["uvloop", "asyncio"]

Serve = Callable[..., Serving]

HERE = Path(__file__).parent
ADVERSARY = ("test_failures.py", "test_send_checks.py")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave_out_what_is_not_asked(config, items, HERE)


def leave_out_what_is_not_asked(
    config: pytest.Config,
    items: list[pytest.Item],
    directory: Path,
    of_the_last: Container[str] | None = ADVERSARY,
) -> None:
    """Of the tests in this directory. The last implementation is asked these files; None: all."""
    if not config.getoption("--parity"):
        left_out = [
            item for item in items if item.path.parent == directory and not _is_asked(item, of_the_last)
        ]
        items[:] = [item for item in items if item not in set(left_out)]
        config.hook.pytest_deselected(items=left_out)


def _is_asked(item: pytest.Item, of_the_last: Container[str] | None) -> bool:
    callspec = getattr(item, "callspec", None)
    http = callspec.params.get("http", HTTP_IMPLEMENTATIONS[0]) if callspec is not None else None
    if http in (None, HTTP_IMPLEMENTATIONS[0]):
        return True
    is_oracle = http == HTTP_IMPLEMENTATIONS[-1] and callspec.params.get("loop") == "asyncio"
    return is_oracle and (of_the_last is None or item.path.name in of_the_last)


@pytest.fixture(params=HTTP_IMPLEMENTATIONS)
def http(request: pytest.FixtureRequest) -> str:
    """The `--http` implementation under test."""
    name: str = request.param
    return name


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def serve(http: str, loop: str) -> Iterator[Serve]:
    """Serves an application: `serve(app, **options)`. Afterwards nothing may be left of it."""
    running: list[Serving] = []
    before = live_objects()  # what a failed test has left: pytest keeps its frames

    def start(app: App, **options: Any) -> Serving:
        serving = Serving(app, loop, **{"http": http, **options})
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
