"""Fixtures: servers with this suite's application, one for each set of options, kept to the end.

With `--parity` everything runs against both implementations; without, the second is not asked what takes
long: real clients, random frames, compression.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from server.process import Process, running

from .differences import difference_of

HERE = Path(__file__).parent

Serve = Callable[..., Process]

LONG = ("test_clients.py", "test_deflate.py", "test_fuzz.py")

#: Who serves, and how the command line says so. The second is the oracle: plain Python, frames by wsproto.
IMPLEMENTATIONS = {"cython": (), "wsproto": ("--http", "h11", "--ws", "wsproto")}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    parity = config.getoption("--parity")
    left_out = set()
    for item in items:
        if item.path.parent != HERE or _implementation_of(item) != "wsproto":
            continue
        row = difference_of(item.name)
        if (item.path.name in LONG and not parity) or (row is not None and row.costly):
            left_out.add(item)
        elif row is not None:
            item.add_marker(pytest.mark.xfail(reason=f"{row.name}: {row.why}", strict=True))
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=[*left_out])


def _implementation_of(item: pytest.Item) -> object:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("ws") if callspec is not None else None


@pytest.fixture(params=IMPLEMENTATIONS)
def ws(request: pytest.FixtureRequest) -> str:
    """The implementation under test."""
    name: str = request.param
    return name


@pytest.fixture
def serve(servers: Serve, ws: str) -> Serve:
    """Gives the server with these words on its command line."""
    return lambda *words: servers(*IMPLEMENTATIONS[ws], *words)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
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
def own(tmp_path: Path, ws: str) -> Iterator[Callable[..., Process]]:
    """Starts a server that a test may end; gives it these words."""
    with contextlib.ExitStack() as stack:
        yield lambda *words: stack.enter_context(
            running(tmp_path, "--port", "0", "--app-dir", str(HERE), *IMPLEMENTATIONS[ws], *words)
        )
