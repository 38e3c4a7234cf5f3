"""Fixtures of the wire suite: the session's servers, and every way to deliver bytes to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .exchange import SOCKET_SPLITS, Delivery, SocketDelivery
from .memory import CORES, MemoryDelivery, MemoryServer
from .servers import HTTP_IMPLEMENTATIONS, Pool, Server
from .tls import Certificates, TlsServer, options_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not Path("/proc/net/tcp").exists():
        skip = pytest.mark.skip(reason="needs /proc")
        for item in items:
            if item.get_closest_marker("proc"):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    servers = Pool()
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def memory_deliveries(seed: int) -> Iterator[dict[str, MemoryDelivery]]:
    deliveries = {http: MemoryDelivery(http, seed) for http in CORES}
    yield deliveries
    for delivery in deliveries.values():
        delivery.stop()


@pytest.fixture(params=HTTP_IMPLEMENTATIONS)
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
        return in_memory(http, memory_deliveries)
    return SocketDelivery(name, pool, http, SOCKET_SPLITS[name])


@pytest.fixture
def core(http: str, memory_deliveries: dict[str, MemoryDelivery]) -> Callable[[str], MemoryServer]:
    """Gives the core with the options of a profile, to drive in memory step by step."""
    return in_memory(http, memory_deliveries).server


def in_memory(http: str, deliveries: dict[str, MemoryDelivery]) -> MemoryDelivery:
    if http not in deliveries:
        pytest.skip(f"{http} has no core to drive in memory")
    return deliveries[http]


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
def tls(certificates: Certificates, event_loop: str) -> Iterator[TlsServer]:
    pair = certificates.issue("server")
    server = TlsServer(
        "cython",
        certificates,
        options_of(pair, loop=event_loop, linger_timeout_s=0.4, timeout_keep_alive=600),
    )
    yield server
    server.stop()


@pytest.fixture
def start_tls(certificates: Certificates, event_loop: str) -> Iterator[Callable[..., TlsServer]]:
    """Start a server of one's own, with a new pair and these options."""
    running: list[TlsServer] = []

    def start_one(**options: Any) -> TlsServer:
        pair = certificates.issue(f"own{len(running)}")
        running.append(TlsServer("cython", certificates, {**options_of(pair, loop=event_loop), **options}))
        return running[-1]

    yield start_one
    for server in running:
        server.stop()
