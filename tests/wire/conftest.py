"""Fixtures of the wire suite: the session's servers, and every way to deliver bytes to them."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .exchange import SOCKET_SPLITS, Delivery, SocketDelivery
from .memory import MemoryDelivery, MemoryServer
from .servers import HTTP_IMPLEMENTATIONS, Pool, Server
from .tls import Certificates, TlsServer, options_of


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--parity"):
        # The other implementations than the first are run in memory, which takes a tenth of the time.
        left_out = [item for item in items if _is_of_another(item) and not _is_in_memory(item)]
        items[:] = [item for item in items if item not in set(left_out)]
        config.hook.pytest_deselected(items=left_out)
    if platform.python_implementation() == "PyPy":
        # What has been received is garbage that stays until its collector comes, which is late: of a bare
        # asyncio protocol, too.
        skip = pytest.mark.skip(reason="PyPy holds garbage")
        for item in items:
            if item.get_closest_marker("memory"):
                item.add_marker(skip)
    if not Path("/proc/net/tcp").exists():
        skip = pytest.mark.skip(reason="needs /proc")
        for item in items:
            if item.get_closest_marker("proc"):
                item.add_marker(skip)


def _is_of_another(item: pytest.Item) -> bool:
    return _parameters(item).get("http", HTTP_IMPLEMENTATIONS[0]) != HTTP_IMPLEMENTATIONS[0]


def _is_in_memory(item: pytest.Item) -> bool:
    names = {*getattr(item, "fixturenames", ())}
    return _parameters(item).get("deliver") == "memory" or bool(names & {"core", "fuzzed", "storms", "turns"})


def _parameters(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec is not None else {}


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    servers = Pool()
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def memory_deliveries(seed: int, parity: bool) -> Iterator[dict[str, MemoryDelivery]]:
    first, *others = HTTP_IMPLEMENTATIONS
    deliveries = {first: MemoryDelivery(first, seed)}
    for http in others:
        deliveries[http] = MemoryDelivery(http, seed, not parity, deliveries[first])
    yield deliveries
    for delivery in deliveries.values():
        delivery.stop()


@pytest.fixture(scope="session", params=HTTP_IMPLEMENTATIONS)
def http(request: pytest.FixtureRequest) -> str:
    """The `--http` implementation under test."""
    name: str = request.param
    return name


@pytest.fixture
def server(pool: Pool, http: str) -> Server:
    """A server with default options, with nothing on record."""
    running = pool.get(http)
    running.seen()
    return running


@pytest.fixture(params=[*SOCKET_SPLITS, "memory"])
def deliver(
    request: pytest.FixtureRequest, http: str, pool: Pool, memory_deliveries: dict[str, MemoryDelivery]
) -> Delivery:
    """Every way to send a case's bytes; see exchange.py."""
    name: str = request.param
    if name == "memory":
        return memory_deliveries[http]
    return SocketDelivery(name, pool, http, SOCKET_SPLITS[name])


@pytest.fixture
def core(http: str, memory_deliveries: dict[str, MemoryDelivery]) -> Callable[[str], MemoryServer]:
    """Gives the core with the options of a profile, to drive in memory step by step."""
    return memory_deliveries[http].server


# ---- TLS ----


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def event_loop(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if name == "uvloop":
        pytest.importorskip("uvloop")
    return name


@pytest.fixture(scope="module")
def tls(http: str, certificates: Certificates, event_loop: str) -> Iterator[TlsServer]:
    pair = certificates.issue("server")
    server = TlsServer(
        http,
        certificates,
        options_of(pair, loop=event_loop, linger_timeout_s=0.4, timeout_keep_alive=600),
    )
    yield server
    server.stop()


@pytest.fixture
def start_tls(http: str, certificates: Certificates, event_loop: str) -> Iterator[Callable[..., TlsServer]]:
    """Start a server of one's own, with a new pair and these options."""
    running: list[TlsServer] = []

    def start_one(**options: Any) -> TlsServer:
        pair = certificates.issue(f"own{len(running)}")
        running.append(TlsServer(http, certificates, {**options_of(pair, loop=event_loop), **options}))
        return running[-1]

    yield start_one
    for server in running:
        server.stop()
