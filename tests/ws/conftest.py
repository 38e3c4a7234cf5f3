"""Fixtures: servers with this suite's application, one for each set of options, kept to the end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from server.process import Process, running

HERE = Path(__file__).parent

Serve = Callable[..., Process]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Gives the server with these words on its command line."""
    with contextlib.ExitStack() as stack:
        known: dict[tuple[str, ...], Process] = {}

        def get(*words: str) -> Process:
            if words not in known or known[words].popen.poll() is not None:
                known[words] = stack.enter_context(
                    running(tmp_path_factory.mktemp("ws"), "--port", "0", "--app-dir", str(HERE), *words)
                )
            return known[words]

        yield get


@pytest.fixture
def server(serve: Serve) -> Process:
    """With default options."""
    return serve()


@pytest.fixture
def port(server: Process) -> int:
    return server.port


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts a server that a test may end; gives it these words."""
    with contextlib.ExitStack() as stack:
        yield lambda *words: stack.enter_context(
            running(tmp_path, "--port", "0", "--app-dir", str(HERE), *words)
        )
