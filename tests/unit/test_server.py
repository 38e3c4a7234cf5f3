"""fastserve/server.py: the order of start and end, with a core that only remembers.

tests/server/ holds the same against real sockets, signals and processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from fake_core import ENDED, FakeCore, application, exiting, served, until

from fastserve.config import Config
from fastserve.errors import StartupError
from fastserve.server import Server
from fastserve.serving import run

VARIABLE = contextvars.ContextVar("VARIABLE", default="of nobody")


def test_the_order_of_a_whole_life(core: FakeCore, lines: Callable[[], list[str]]) -> None:
    server = Server(Config(application(core), port=0))

    async def meanwhile() -> None:
        (listening,) = server.servers
        address = listening.sockets[0].getsockname()  # type: ignore[attr-defined]
        assert lines()[-1] == f"fastserve running on http://127.0.0.1:{address[1]} (Press CTRL+C to quit)"
        _, writer = await asyncio.open_connection(*address)
        await until(lambda: "connection" in core.events)
        writer.close()
        server.should_exit = True

    served(server, meanwhile)
    assert core.events == [
        "startup",
        "access log on 1",
        "connection",
        "drain",
        "endpoint closed",
        "access log flushed",
        "shutdown",
        "access log closed",
    ]
    assert [line for line in lines() if not line.startswith("fastserve running on")] == [
        f"Started server process [{os.getpid()}]",
        "Waiting for application startup.",
        "Application startup complete.",
        "Shutting down",
        "Waiting for application shutdown.",
        "Application shutdown complete.",
        f"Finished server process [{os.getpid()}]",
    ]


def test_what_the_core_is_given(core: FakeCore) -> None:
    state: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal state
        state = scope["state"]

    config = Config(
        app, port=0, access_log=False, root_path="/p", headers=[("X-A", "1")], read_buffer_bytes_max=99
    )
    server = Server(config)
    VARIABLE.set("of the program")
    served(server, exiting(server))
    assert core.driver_arguments[0] is app
    assert core.driver_arguments[2][VARIABLE] == "of the program"
    assert core.driver_arguments[3] is state
    assert core.driver_arguments[4:] == ("/p", 99, True, False)
    loop, limits, driver, headers, observers, request_filter, upgrade = core.endpoint_arguments
    assert upgrade.driver.driver is driver
    assert loop is core.driver_arguments[1]
    assert limits is config
    assert headers == [(b"x-a", b"1")]
    assert observers == []
    assert request_filter == ("127.0.0.1,::1", ["x-forwarded-for", "x-forwarded-proto"], True, False)


def test_the_access_log_observes(core: FakeCore) -> None:
    server = Server(Config(application(core), port=0))
    served(server, exiting(server))
    assert len(core.endpoint_arguments[4]) == 1


def test_no_access_log_where_stdout_is_closed(core: FakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "__stdout__", None)
    server = Server(Config(application(core), port=0))
    served(server, exiting(server))
    assert core.endpoint_arguments[4] == []


def test_requests_in_flight_are_waited_for(core: FakeCore, lines: Callable[[], list[str]]) -> None:
    server = Server(Config(application(core), port=0))

    async def meanwhile() -> None:
        core.busy = 1
        server.should_exit = True
        await until(lambda: "Waiting for connections to close. (CTRL+C to force quit)" in lines())
        assert "shutdown" not in core.events
        core.finish()

    served(server, meanwhile)
    assert core.events[2:] == ["drain", "drain all", *ENDED]


def test_requests_are_cancelled_at_the_deadline(core: FakeCore, lines: Callable[[], list[str]]) -> None:
    server = Server(Config(application(core), port=0, timeout_graceful_shutdown=0.02))

    async def meanwhile() -> None:
        core.busy = 3
        server.should_exit = True

    served(server, meanwhile)
    assert core.events[2:] == ["drain", "drain all", "cancel", *ENDED]
    assert "Cancel 3 running task(s), timeout graceful shutdown exceeded" in lines()


def test_what_ignores_its_cancellation_is_cut(core: FakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastserve.server._CANCEL_GRACE_S", 0.02)
    core.obeys_cancel = False
    server = Server(Config(application(core), port=0, timeout_graceful_shutdown=0))

    async def meanwhile() -> None:
        core.busy = 1
        server.should_exit = True

    served(server, meanwhile)
    assert core.events[2:] == ["drain", "drain all", "cancel", "cancel", "abort", *ENDED]


def test_a_forced_exit_waits_for_no_request_but_shuts_down(
    core: FakeCore, lines: Callable[[], list[str]]
) -> None:
    server = Server(Config(application(core), port=0))

    async def meanwhile() -> None:
        core.busy = 1
        server.should_exit = True
        await until(lambda: "Waiting for connections to close. (CTRL+C to force quit)" in lines())
        server.force_exit = True

    served(server, meanwhile)
    assert core.events[2:] == ["drain", "drain all", "cancel", *ENDED]
    assert not [line for line in lines() if "exceeded" in line]


def test_a_forced_exit_alone_is_enough(core: FakeCore) -> None:
    server = Server(Config(application(core), port=0))

    async def meanwhile() -> None:
        server.force_exit = True
        assert server.should_exit

    served(server, meanwhile)
    assert core.events[-4:] == ENDED


def test_a_shutdown_that_hangs_is_given_up_when_forced(core: FakeCore) -> None:
    server = Server(Config(application(core, shutdown="hangs"), port=0))

    async def meanwhile() -> None:
        server.should_exit = True
        await until(lambda: "shutdown" in core.events)
        server.force_exit = True

    served(server, meanwhile)
    assert core.events[-4:] == ENDED


def test_a_startup_that_hangs_is_given_up_when_forced(core: FakeCore) -> None:
    server = Server(Config(application(core, startup="hangs"), port=0))

    async def scenario() -> None:
        serving = asyncio.ensure_future(server.serve())
        await until(lambda: "startup" in core.events)
        server.force_exit = True
        await asyncio.wait_for(serving, 10)
        assert not server.started
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())
    assert core.events == ["startup"]


def test_an_exit_during_startup_never_listens(core: FakeCore) -> None:
    server: Server

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        server.should_exit = True
        await send({"type": "lifespan.startup.complete"})
        await receive()
        core.events.append("shutdown")
        await send({"type": "lifespan.shutdown.complete"})

    server = Server(Config(app, port=0))
    asyncio.run(asyncio.wait_for(server.serve(), 10))
    assert core.events == ["shutdown"]
    assert server.servers == []


def test_a_cancelled_serve_ends_gracefully(core: FakeCore) -> None:
    server = Server(Config(application(core), port=0))

    async def scenario() -> None:
        serving = asyncio.ensure_future(server.serve())
        await until(lambda: server.started)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())
    assert core.events[-4:] == ENDED


def test_a_second_cancellation_cuts_the_requests(core: FakeCore, lines: Callable[[], list[str]]) -> None:
    server = Server(Config(application(core), port=0))

    async def scenario() -> None:
        serving = asyncio.ensure_future(server.serve())
        await until(lambda: server.started)
        core.busy = 1
        serving.cancel()
        await until(lambda: "Waiting for connections to close. (CTRL+C to force quit)" in lines())
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

    asyncio.run(scenario())
    assert core.events[2:] == ["drain", "drain all", "cancel", *ENDED]


def test_a_failed_startup_raises_and_leaves_nothing(core: FakeCore) -> None:
    server = Server(Config(application(core, startup="failed")))
    sock = socket.create_server(("127.0.0.1", 0))
    with pytest.raises(StartupError, match=r"^Application startup failed. Exiting.$"):
        served(server, exiting(server), sockets=[sock])
    assert core.events == ["startup"]
    assert not server.started
    assert sock.fileno() == -1


def test_a_taken_port_is_told_before_the_application_starts(core: FakeCore) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Server(Config(application(core), port=taken.getsockname()[1]))
        with pytest.raises(StartupError, match="Address already in use"):
            served(server, exiting(server))
    assert core.events == []


def test_a_port_taken_during_startup_still_shuts_the_application_down(core: FakeCore) -> None:
    rival = socket.socket()
    rival.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    rival.bind(("127.0.0.1", 0))  # two may bind, as long as none listens

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        rival.listen()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        core.events.append("shutdown")
        await send({"type": "lifespan.shutdown.complete"})

    with rival:
        server = Server(Config(app, port=rival.getsockname()[1]))
        with pytest.raises(StartupError, match="Address already in use"):
            served(server, exiting(server))
    assert core.events == [
        "access log on 1",
        "drain",
        "endpoint closed",
        "access log flushed",
        "shutdown",
        "access log closed",
    ]


def test_given_sockets_are_served_quietly_and_closed(core: FakeCore, lines: Callable[[], list[str]]) -> None:
    server = Server(Config(application(core)))
    pair = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]

    async def meanwhile() -> None:
        assert len(server.servers) == 2
        server.should_exit = True

    served(server, meanwhile, sockets=pair)
    assert not [line for line in lines() if "running on" in line]
    assert [sock.fileno() for sock in pair] == [-1, -1]


def test_startup_and_shutdown_by_hand(core: FakeCore) -> None:
    async def scenario() -> None:
        server = Server(Config(application(core), port=0))
        await server.shutdown()  # nothing stands, nothing to do
        await server.startup()
        assert server.started
        await server.shutdown()
        await server.shutdown()

    asyncio.run(scenario())
    assert core.events[-4:] == ENDED


def test_a_factory_is_called_in_the_loop(core: FakeCore) -> None:
    loops = []

    def make() -> Any:
        loops.append(asyncio.get_running_loop())
        return application(core)

    server = Server(Config(make, factory=True, port=0))
    served(server, exiting(server))
    assert core.driver_arguments[1] in loops


def test_run_exits_with_3_and_one_line(lines: Callable[[], list[str]]) -> None:
    with pytest.raises(SystemExit) as raised:
        run("no_such_module:app")
    assert raised.value.code == 3
    assert lines() == ['Error loading ASGI app. Could not import module "no_such_module".']


def test_run_shows_the_traceback_of_the_application_only(capsys: pytest.CaptureFixture[str]) -> None:
    def make() -> None:
        raise LookupError("no settings")

    with pytest.raises(SystemExit) as raised:
        run(make, factory=True)
    assert raised.value.code == 3
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback (most recent call last):")
    assert shown.rstrip().endswith("LookupError: no settings")
    assert [line for line in shown.splitlines() if line.startswith("  File ")] == [
        f'  File "{__file__}", line {make.__code__.co_firstlineno + 1}, in make'
    ]


def test_showing_the_version_loads_no_event_loop() -> None:
    code = "import sys, fastserve.cli; print({'asyncio', 'fastserve.server'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout == "set()\n"


def test_a_subclass_may_leave_signals_to_the_program(core: FakeCore) -> None:
    class Quiet(Server):
        def capture_signals(self) -> contextlib.AbstractContextManager[None]:
            return contextlib.nullcontext()

    before = signal.getsignal(signal.SIGTERM)
    server = Quiet(Config(application(core), port=0))

    async def meanwhile() -> None:
        assert signal.getsignal(signal.SIGTERM) == before
        server.should_exit = True

    served(server, meanwhile)
