"""A program that runs servers itself: in its own loop, several at once, in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import fastserve

from .application import OF_A_REQUEST, app
from .process import HERE, TIMEOUT_S, parsed

LOOPS = ["uvloop", "asyncio"]


def run(main: Any, loop: str) -> None:
    """Run a coroutine in a loop of this kind; every task must have ended with it."""
    factory = fastserve.Config(app, loop=loop).get_loop_factory()
    made = factory()
    try:
        made.run_until_complete(asyncio.wait_for(main, TIMEOUT_S))
        assert not asyncio.all_tasks(made)
    finally:
        made.close()


async def listening(server: fastserve.Server) -> tuple[str, int]:
    while not server.started:
        await asyncio.sleep(0.001)
    address: tuple[str, int] = server.servers[0].sockets[0].getsockname()  # type: ignore[attr-defined]
    return address


@contextlib.asynccontextmanager
async def serving(*servers: fastserve.Server) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(server.serve()) for server in servers]
    yield
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


async def get(address: tuple[str, int], path: str) -> str:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return parsed(answer)[1]


def server_of(application: Any = app, **options: Any) -> fastserve.Server:
    return fastserve.Server(fastserve.Config(application, port=0, access_log=False, **options))


@pytest.mark.parametrize("loop", LOOPS)
def test_in_a_running_loop(loop: str) -> None:
    async def main() -> None:
        server = server_of()
        async with serving(server):
            assert await get(await listening(server), "/") == "hello"
        assert server.servers[0].sockets in ([], ())  # type: ignore[attr-defined]

    run(main(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_two_servers_in_one_loop(loop: str) -> None:
    async def main() -> None:
        first, second = server_of(root_path="/1"), server_of(root_path="/2")
        async with serving(first):
            async with serving(second):
                for server, root in ((first, "/1"), (second, "/2")):
                    assert f"root '{root}'" in await get(await listening(server), "/shown")
            assert "root '/1'" in await get(await listening(first), "/shown")

    run(main(), loop)


@pytest.mark.parametrize(("reset", "seen"), [(False, "of the embedder"), (True, "unset")])
def test_requests_see_the_context_of_the_start_unless_it_is_reset(reset: bool, seen: str) -> None:
    async def main() -> None:
        OF_A_REQUEST.set("of the embedder")
        server = server_of(reset_contextvars=reset)
        async with serving(server):
            for _ in range(2):
                assert f"request {seen};" in await get(await listening(server), "/shown")

    run(main(), "asyncio")


@pytest.mark.parametrize("loop", LOOPS)
def test_on_given_sockets(loop: str) -> None:
    async def main() -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        server = server_of()
        task = asyncio.ensure_future(server.serve(sockets=[sock]))
        assert await get(await listening(server), "/") == "hello"
        server.should_exit = True
        await task
        assert sock.fileno() == -1

    run(main(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_cancelled_server_closes_its_connections(loop: str) -> None:
    async def main() -> None:
        server = server_of()
        task = asyncio.ensure_future(server.serve())
        reader, writer = await asyncio.open_connection(*await listening(server))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await reader.read() == b""
        writer.close()

    run(main(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_in_a_thread(loop: str) -> None:
    server = server_of(loop=loop)
    thread = threading.Thread(target=server.run)
    thread.start()

    async def main() -> None:
        assert await get(await listening(server), "/") == "hello"
        server.should_exit = True

    asyncio.run(main())
    thread.join(TIMEOUT_S)
    assert not thread.is_alive()


def test_a_failure_can_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFESPAN", "fails")

    async def main() -> None:
        with pytest.raises(fastserve.StartupError, match="Application startup failed"):
            await server_of().serve()
        with pytest.raises(fastserve.StartupError, match="Could not import module"):
            await server_of("nowhere:app").serve()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(fastserve.StartupError, match=f"127.0.0.1:{port}: Address already in use"):
                await fastserve.Server(fastserve.Config(app, port=port)).serve()

    run(main(), "asyncio")


def test_a_bad_option_can_be_caught() -> None:
    with pytest.raises(fastserve.OptionError, match="port"):
        fastserve.run(app, port=-1)


def test_run_is_the_command_without_words() -> None:
    code = "import fastserve, os; os.environ['LIFESPAN'] = 'fails'; fastserve.run('application:app', port=0)"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert ended.returncode == 3
    assert ended.stderr.splitlines()[-1] == "ERROR:    Application startup failed. Exiting."


@pytest.mark.parametrize("loop", LOOPS)
def test_metrics_at_an_address_of_their_own(loop: str, tmp_path: Path) -> None:
    """Without a parent process, the server's own loop answers there."""
    pytest.importorskip("prometheus_client")
    pytest.importorskip("fastserve.features.counters", reason="nothing was compiled")

    async def page(path: str) -> str:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "metrics")
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.decode()

    async def main() -> None:
        server = server_of(loop=loop, metrics=f"unix:{tmp_path}/metrics")
        async with serving(server):
            await get(await listening(server), "/")
            head, _, body = (await page("/metrics")).partition("\r\n\r\n")
            assert head.startswith("HTTP/1.1 200 OK\r\ncontent-type: text/plain")
            assert 'fastserve_requests_total{method="GET",status="200"} 1.0' in body
            assert (await page("/")).startswith("HTTP/1.1 404 ")
        assert not (tmp_path / "metrics").exists()

    run(main(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_numbers_for_statsd(loop: str) -> None:
    """The last ones are sent when the server ends."""
    pytest.importorskip("fastserve.features.counters", reason="nothing was compiled")
    with socket.socket(type=socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(TIMEOUT_S)

        async def main() -> None:
            server = server_of(loop=loop, statsd=f"127.0.0.1:{statsd.getsockname()[1]}")
            async with serving(server):
                await get(await listening(server), "/")

        run(main(), loop)
        assert b"fastserve.requests.GET.200:1|c" in statsd.recv(65536)


def test_an_address_for_metrics_that_is_none(tmp_path: Path) -> None:
    pytest.importorskip("prometheus_client")
    pytest.importorskip("fastserve.features.counters", reason="nothing was compiled")
    server = server_of(metrics=f"unix:{tmp_path}/away/metrics", statsd="127.0.0.1:9")
    with pytest.raises(fastserve.StartupError):
        run(server.serve(), "asyncio")
