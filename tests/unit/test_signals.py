"""fastserve/signals.py and the running of a loop: how INT and TERM end servers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import Any

import pytest
from fake_core import ENDED, FakeCore, application, until

import fastserve.server
from fastserve.config import Config
from fastserve.server import Server
from fastserve.serving import run


def test_two_servers_in_one_loop_end_by_one_signal(core: FakeCore) -> None:
    servers = [Server(Config(application(core), port=0)) for _ in range(2)]
    seen = []
    previous = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))

    async def scenario() -> None:
        serving = asyncio.gather(*(server.serve() for server in servers))
        await until(lambda: all(server.started for server in servers))
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(serving, 10)
        # Raised again once, for the program's own handler, when the last of them had ended.
        assert seen == [signal.SIGTERM]

    try:
        asyncio.run(scenario())
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert core.events.count("shutdown") == 2


def test_a_server_that_ends_first_leaves_the_other_its_signals(core: FakeCore) -> None:
    first, second = (Server(Config(application(core), port=0)) for _ in range(2))

    async def scenario() -> None:
        servings = [asyncio.ensure_future(server.serve()) for server in (first, second)]
        await until(lambda: first.started and second.started)
        first.should_exit = True
        await asyncio.wait_for(servings[0], 10)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(servings[1], 10)

    previous = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        asyncio.run(scenario())
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert second.should_exit


@pytest.mark.parametrize(
    ("numbers", "forced"),
    [
        ([signal.SIGINT], False),
        ([signal.SIGTERM], False),
        ([signal.SIGINT, signal.SIGINT], True),
        ([signal.SIGTERM, signal.SIGINT], True),
        ([signal.SIGTERM, signal.SIGTERM], False),
    ],
)
def test_what_signals_ask_for(numbers: list[int], forced: bool) -> None:
    server = Server(Config(None))
    for number in numbers:
        server.handle_exit(number, None)
    assert server.should_exit
    assert server.force_exit is forced


def test_a_server_in_a_thread_is_told_by_its_attribute(core: FakeCore) -> None:
    server = Server(Config(application(core), port=0, loop="asyncio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    asyncio.run(until(lambda: server.started))
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()
    assert core.events[-4:] == ENDED
    server.should_exit = True  # its loop is closed


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_run_ends_by_keyboard_interrupt(core: FakeCore, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    server = Server(Config(application(core), port=0, loop=loop))
    watcher = threading.Thread(
        target=lambda: (asyncio.run(until(lambda: server.started)), os.kill(os.getpid(), signal.SIGINT))
    )
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        server.run()
    watcher.join()
    assert core.events[-4:] == ENDED


def test_an_interrupt_is_how_run_returns(core: FakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    listen = Server._listen

    async def listen_and_be_interrupted(server: Server, *arguments: Any) -> None:
        await listen(server, *arguments)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Server, "_listen", listen_and_be_interrupted)
    run(application(core), port=0)
    assert core.events[-4:] == ENDED


def test_an_interrupt_before_it_listens_is_no_failed_start(core: FakeCore) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    run(app, port=0)  # returns: the command exits with 0
    assert core.events == []


def test_the_runner_for_python_3_10(core: FakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 0))
    server = Server(Config(application(core), port=0, loop="asyncio"))
    left = []

    async def main() -> None:
        async def stays() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                left.append(asyncio.get_running_loop())

        task = asyncio.ensure_future(stays())
        await asyncio.sleep(0)
        server.should_exit = True
        await server.serve()
        assert not task.done()

    fastserve.server.run_in_loop(main(), asyncio.SelectorEventLoop)
    assert core.events == ["startup", "shutdown"]
    assert left[0].is_closed()


@pytest.mark.parametrize("own", [False, True], ids=["of the server", "of the program"])
def test_the_signal_to_reopen_log_files(core: FakeCore, own: bool) -> None:
    server = Server(Config(application(core), port=0))
    seen: list[int] = []
    before = signal.getsignal(signal.SIGUSR1)
    if own:
        signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))

    async def scenario() -> None:
        serving = asyncio.ensure_future(server.serve())
        await until(lambda: server.started)
        signal.raise_signal(signal.SIGUSR1)
        await until(lambda: bool(seen) if own else "access log reopened" in core.events)
        server.should_exit = True
        await asyncio.wait_for(serving, 10)

    try:
        asyncio.run(scenario())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ("access log reopened" in core.events) is not own
