"""A test module's example, served: one server for the whole module, and more for tests that stop theirs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import httpx
import pytest

from .server import Example, Server, running

_SERVERS = pytest.StashKey[list[Server]]()


@pytest.fixture(scope="module")
def example(request: pytest.FixtureRequest) -> Example:
    """The module's EXAMPLE; a module that must prepare something first overrides this fixture."""
    found: Example = request.module.EXAMPLE
    return found


@pytest.fixture(scope="module")
def server(example: Example, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The example, served for the whole module. That it stops well after all the tests is a test, too."""
    with running(example, tmp_path_factory.mktemp("server")) as served:
        yield served
        served.stop()


@pytest.fixture
def start(
    example: Example, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Server]]:
    """Call it, perhaps with more options for the command, for a server which the test may stop."""
    servers = request.node.stash.setdefault(_SERVERS, [])
    with contextlib.ExitStack() as stack:

        def started(*options: str) -> Server:
            directory = tmp_path / f"server-{len(servers)}"
            directory.mkdir()
            served = stack.enter_context(running(example, directory, *options))
            servers.append(served)
            return served

        yield started


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """httpx on the module's server: keep-alive, cookies, and no proxy from the environment."""
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as opened:
        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the servers of a failed test printed."""
    report = yield
    if report.failed:
        used = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Server)]
        for served in [*used, *item.stash.get(_SERVERS, [])]:
            report.sections.append(("server", served.shown()))
    return report
