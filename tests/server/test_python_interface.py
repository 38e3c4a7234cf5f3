"""Config and Server as a program finds them that was written for uvicorn's."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import fastserve

from .application import app
from .process import HERE, TIMEOUT_S, get, rest
from .test_embedding import LOOPS, listening, run, server_of, serving

REQUEST = b"GET /held HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


# ---- server_state


@pytest.mark.parametrize("loop", LOOPS)
def test_the_state_of_a_server_while_it_serves(loop: str) -> None:
    async def main() -> None:
        server = server_of()
        state = server.server_state
        assert (state.total_requests, state.connections, state.tasks) == (0, set(), set())
        async with serving(server):
            address = await listening(server)
            opened = [await asyncio.open_connection(*address) for _ in range(3)]
            await until(lambda: len(state.connections) == 3)
            for _, writer in opened[:2]:
                writer.write(REQUEST)
            await until(lambda: len(state.tasks) == 2)
            assert state.total_requests == 2
            assert all(isinstance(task, asyncio.Task) and not task.done() for task in state.tasks)
            assert all(hasattr(connection, "data_received") for connection in state.connections)
            # Copies: what a caller does to them is nothing to the server.
            state.tasks.clear()
            state.connections.clear()
            for _, writer in opened[:2]:
                writer.write(b"x")
            await until(lambda: not state.tasks)
            for _, writer in opened:
                writer.close()
            await until(lambda: not state.connections)
        assert state.total_requests == 2

    run(main(), loop)


def test_a_task_of_the_state_can_be_cancelled() -> None:
    async def main() -> None:
        server = server_of()
        async with serving(server):
            reader, writer = await asyncio.open_connection(*await listening(server))
            writer.write(REQUEST)
            await until(lambda: bool(server.server_state.tasks))
            for task in server.server_state.tasks:
                task.cancel()
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
            writer.close()

    run(main(), "asyncio")


# ---- an end that nobody notices


@pytest.mark.parametrize(
    ("loop", "late"),
    [("uvloop", False), ("asyncio", False), ("uvloop", True)],  # asyncio's may forget what it has accepted
    ids=["uvloop", "asyncio", "accepted during the end"],
)
def test_a_client_that_has_just_connected_is_served(
    loop: str, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request is on its way, and it would not try again. One that was served hears of the end at once."""
    monkeypatch.setattr("fastserve.server._QUIET_S", TIMEOUT_S)

    async def main() -> None:
        server = server_of()
        task = asyncio.ensure_future(server.serve())
        address = await listening(server)
        served, served_writer = await asyncio.open_connection(*address)
        served_writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await served.readuntil(b"hello")
        with socket.create_connection(address) as client:
            if not late:
                await until(lambda: len(server.server_state.connections) == 2)
            server.should_exit = True
            if not late:
                assert await served.read() == b""
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = await asyncio.to_thread(rest, client)
        assert b"connection: close" in answer.lower()
        assert answer.endswith(b"hello")
        served_writer.close()
        await task

    run(main(), loop)


def test_a_client_that_sends_nothing_is_not_waited_for() -> None:
    async def main() -> None:
        server = server_of()
        async with serving(server):
            reader, writer = await asyncio.open_connection(*await listening(server))
            await until(lambda: len(server.server_state.connections) == 1)
            server.should_exit = True
            assert await reader.read() == b""
            writer.close()

    run(main(), "uvloop")


# ---- sockets


def test_a_bound_socket_for_a_server(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "fastserve")
    config = fastserve.Config(app, port=0, access_log=False)
    sock = config.bind_socket()
    host, port = sock.getsockname()
    assert (host, os.get_inheritable(sock.fileno())) == ("127.0.0.1", True)
    line = f"fastserve running on http://127.0.0.1:{port} (Press CTRL+C to quit)"

    async def main() -> None:
        server = fastserve.Server(config)
        task = asyncio.ensure_future(server.serve([sock]))
        reader, writer = await asyncio.open_connection(*await listening(server))
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(b"hello")
        writer.close()
        server.should_exit = True
        await task

    run(main(), "uvloop")
    # Told once, by whoever binds.
    assert caplog.text.count(line) == 1


def test_a_bound_socket_of_a_path_or_a_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with fastserve.Config(app, uds=str(path)).bind_socket() as sock:
        assert sock.getsockname() == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o666
        with fastserve.Config(app, fd=sock.fileno()).bind_socket() as same:
            assert same.getsockname() == str(path)
    assert path.exists()


def test_a_socket_that_cannot_be_bound_can_be_caught() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(fastserve.StartupError, match="in use"),
    ):
        fastserve.Config(app, port=taken.getsockname()[1]).bind_socket()


def served(address: tuple[str, int]) -> str:
    """What a server answers that begins to listen soon."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            with socket.create_connection(address, TIMEOUT_S) as client:
                return get(client, "/")[1]
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def _serve_in_a_child(sock: socket.socket) -> None:
    fastserve.Server(fastserve.Config(app, access_log=False)).run(sockets=[sock])


def test_a_bound_socket_for_a_child_process() -> None:
    """The way in which programs have several processes share an address."""
    sock = fastserve.Config(app, port=0).bind_socket()
    child = multiprocessing.get_context("spawn").Process(target=_serve_in_a_child, args=(sock,))
    child.start()
    try:
        assert [child.exitcode, served(sock.getsockname())] == [None, "hello"]
        os.kill(child.pid or 0, signal.SIGTERM)
        child.join(TIMEOUT_S)
        assert child.exitcode == -signal.SIGTERM
    finally:
        child.kill()
        child.join()
        child.close()
        sock.close()


# ---- recipes


class InAThread(fastserve.Server):
    """How test suites have run uvicorn for years."""

    def install_signal_handlers(self) -> None:  # of a uvicorn of long ago; nobody calls it
        raise AssertionError

    @contextlib.contextmanager
    def run_in_thread(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            while not self.started:
                time.sleep(0.001)
            yield
        finally:
            self.should_exit = True
            thread.join(TIMEOUT_S)
        assert not thread.is_alive()


def test_several_servers_in_threads_and_one_here() -> None:
    before = signal.getsignal(signal.SIGINT)
    first, second = (InAThread(fastserve.Config(app, port=0, access_log=False)) for _ in range(2))
    with first.run_in_thread(), second.run_in_thread():
        for server in (first, second):
            address = server.servers[0].sockets[0].getsockname()  # type: ignore[attr-defined]
            with socket.create_connection(address, TIMEOUT_S) as client:
                assert get(client, "/")[1] == "hello"
        test_in_a_running_loop_by_steps("asyncio")
    assert signal.getsignal(signal.SIGINT) == before


class Up(fastserve.Server):
    """Tells when it listens, as an overridden startup() does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listens.set()

    async def up(self) -> None:
        self.listens = asyncio.Event()
        self.task = asyncio.ensure_future(self.serve())
        await self.listens.wait()

    async def down(self) -> None:
        self.should_exit = True
        await self.task


@pytest.mark.parametrize("loop", LOOPS)
def test_an_overridden_startup(loop: str) -> None:
    async def main() -> None:
        server = Up(fastserve.Config(app, port=0))
        await server.up()
        assert server.started
        await server.down()

    run(main(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_in_a_running_loop_by_steps(loop: str) -> None:
    async def main() -> None:
        server = server_of()
        sock = socket.create_server(("127.0.0.1", 0))
        await server.startup(sockets=[sock])
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(b"hello")
        writer.close()
        asyncio.get_running_loop().call_soon(setattr, server, "should_exit", True)
        await server.main_loop()
        await server.shutdown(sockets=[sock])
        assert sock.fileno() == -1

    run(main(), loop)


def test_handle_exit_may_be_overridden() -> None:
    """And hears of the signals: a program's own shutdown begins there."""
    heard = []

    class Hearing(fastserve.Server):
        def handle_exit(self, number: int, frame: Any) -> None:
            heard.append(number)
            super().handle_exit(number, frame)

    server = Hearing(fastserve.Config(app, port=0))

    async def main() -> None:
        task = asyncio.ensure_future(server.serve())
        await listening(server)
        signal.raise_signal(signal.SIGTERM)
        await task

    ended: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    try:
        run(main(), "asyncio")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
    assert ended == [signal.SIGTERM]  # and the program's own handler, once the server has ended


def test_signals_are_captured_around_something_else() -> None:
    """capture_signals() as a block of its own: inside, a signal tells the server; behind, the program."""
    server = server_of()
    told = []

    def block() -> None:
        with server.capture_signals():
            for _ in range(2):
                signal.raise_signal(signal.SIGINT)
                told.append((server.should_exit, server.force_exit))

    with pytest.raises(KeyboardInterrupt):
        block()
    assert told == [(True, False), (True, True)]


# ---- callback_notify


@pytest.mark.parametrize("loop", LOOPS)
def test_a_program_that_wants_to_be_notified(loop: str) -> None:
    calls: list[bool] = []

    async def main() -> None:
        async def notified() -> None:
            calls.append(server.started)
            if len(calls) == 3:
                server.should_exit = True

        server = server_of(callback_notify=notified, timeout_notify=0.01)
        await server.serve()

    run(main(), loop)
    assert len(calls) >= 3 and all(calls)  # one more may have been due before the server ended


def test_a_notification_that_fails_ends_the_server() -> None:
    async def main() -> None:
        async def notified() -> None:
            raise LookupError("nobody listens")

        server = server_of(callback_notify=notified)
        with pytest.raises(LookupError, match="nobody listens"):
            await server.serve()
        assert server.servers[0].sockets in ([], ())  # type: ignore[attr-defined]

    run(main(), "asyncio")


# ---- the command line from a program


def test_main_takes_words() -> None:
    code = "import fastserve; fastserve.main(['application:app', '--check', '--lifespan', 'off'])"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "The configuration is valid" in ended.stderr


@pytest.mark.parametrize("level", [30, "WARNING", "warning"])
def test_a_log_level_by_number_or_name(level: Any) -> None:
    code = f"import fastserve; fastserve.Config('application:app', log_level={level!r}, http='httptools')\n"
    code += "from fastserve.log import logger; logger.info('not seen')"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("WARNING:  --http httptools")


def test_a_held_request_outlives_the_loop_of_a_second_server() -> None:
    """Two servers of one loop are apart: the end of one leaves the other's requests alone."""

    async def main() -> None:
        first, second = server_of(), server_of()
        async with serving(first):
            with socket.create_connection(await listening(first), TIMEOUT_S) as client:
                client.sendall(REQUEST)
                await until(lambda: len(first.server_state.tasks) == 1)
                async with serving(second):
                    await listening(second)
                assert len(first.server_state.tasks) == 1
                client.sendall(b"x")
                client.shutdown(socket.SHUT_WR)
                answer = await asyncio.to_thread(rest, client)
                assert answer.endswith(b"let go")

    run(main(), "uvloop")
