"""fastserve/server.py and signals.py: the order of start and end, with a core that only remembers.

tests/server/ holds the same against real sockets, signals and processes.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import socket
import subprocess
import sys
import threading
import types
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

import fastserve.server
from fastserve import signals
from fastserve.config import Config
from fastserve.errors import StartupError
from fastserve.server import Server, run

#: How every life ends that has listened.
ENDED = ["endpoint closed", "access log flushed", "shutdown", "access log closed"]

VARIABLE = contextvars.ContextVar("VARIABLE", default="of nobody")


class FakeCore:
    """The extension modules' part. `events` is all that happened; `busy` counts what holds up a drain."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.busy = 0
        self.obeys_cancel = True
        self.driver_arguments: tuple[Any, ...] = ()
        self.endpoint_arguments: tuple[Any, ...] = ()
        self.idle = asyncio.Event()

    def finish(self) -> None:
        self.busy = 0
        self.idle.set()

    def modules(self) -> dict[str, types.ModuleType]:
        core = self

        class ASGIDriver:
            def __init__(self, *arguments: Any) -> None:
                core.driver_arguments = arguments

        class AccessLog:
            def __init__(self, loop: Any, fd: int) -> None:
                core.events.append(f"access log on {fd}")

            def flush(self) -> None:
                core.events.append("access log flushed")

            def close(self) -> None:
                core.events.append("access log closed")

        class Endpoint:
            def __init__(self, *arguments: Any) -> None:
                core.endpoint_arguments = arguments

            @property
            def connections(self) -> int:
                return core.busy

            @property
            def requests_in_flight(self) -> int:
                return core.busy

            def drain(self) -> None:
                core.events.append("drain")

            async def wait_closed(self) -> None:
                if core.busy:
                    await core.idle.wait()

            def cancel_requests(self) -> None:
                if core.busy:
                    core.events.append("cancel")
                    if core.obeys_cancel:
                        core.finish()

            def abort(self) -> None:
                if core.busy:
                    core.events.append("abort")
                    core.finish()

            def close(self) -> None:
                core.events.append("endpoint closed")

        class Connection(asyncio.Protocol):
            def __init__(self, endpoint: Any) -> None:
                core.events.append("connection")

        found = {}
        for name, member in (
            ("fastserve.asgi.driver", ASGIDriver),
            ("fastserve.features.access_log", AccessLog),
            ("fastserve.net.endpoint", Endpoint),
            ("fastserve.h1.connection", Connection),
        ):
            found[name] = types.ModuleType(name)
            setattr(found[name], member.__name__, member)
        return found


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    fake = FakeCore()
    for name, module in fake.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    return fake


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level("INFO", "fastserve")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "fastserve.error"]


@pytest.fixture(autouse=True)
def signals_are_left_alone() -> Iterator[None]:
    before = [signal.getsignal(number) for number in signals.HANDLED]
    yield
    assert [signal.getsignal(number) for number in signals.HANDLED] == before
    assert signals._running == []
    assert signals._arrived == []


def application(core: FakeCore, startup: str = "complete", shutdown: str = "complete") -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        core.events.append("startup")
        if startup == "hangs":
            await asyncio.Event().wait()
        await send({"type": f"lifespan.startup.{startup}"})
        await receive()
        core.events.append("shutdown")
        if shutdown == "hangs":
            await asyncio.Event().wait()
        await send({"type": f"lifespan.shutdown.{shutdown}"})

    return app


def served(server: Server, meanwhile: Callable[[], Coroutine[Any, Any, None]], **serve: Any) -> None:
    """Serve in a new loop; run `meanwhile` once it listens. Nothing may be left running in the loop."""

    async def scenario() -> None:
        serving = asyncio.ensure_future(server.serve(**serve))
        await until(lambda: server.started or serving.done())
        if server.started:
            await meanwhile()
        await asyncio.wait_for(serving, 10)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


async def until(condition: Callable[[], bool]) -> None:
    async def wait() -> None:
        while not condition():
            await asyncio.sleep(0.001)

    await asyncio.wait_for(wait(), 10)


def exiting(server: Server) -> Callable[[], Coroutine[Any, Any, None]]:
    async def meanwhile() -> None:
        server.should_exit = True

    return meanwhile


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
    assert core.driver_arguments[4:] == ("/p", 99)
    loop, limits, _, headers, observers = core.endpoint_arguments
    assert loop is core.driver_arguments[1]
    assert limits is config
    assert headers == [(b"x-a", b"1")]
    assert observers == []


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
    assert core.events[2:] == ["drain", *ENDED]


def test_requests_are_cancelled_at_the_deadline(core: FakeCore, lines: Callable[[], list[str]]) -> None:
    server = Server(Config(application(core), port=0, timeout_graceful_shutdown=0.02))

    async def meanwhile() -> None:
        core.busy = 3
        server.should_exit = True

    served(server, meanwhile)
    assert core.events[2:] == ["drain", "cancel", *ENDED]
    assert "Cancel 3 running task(s), timeout graceful shutdown exceeded" in lines()


def test_what_ignores_its_cancellation_is_cut(core: FakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastserve.server._CANCEL_GRACE_S", 0.02)
    core.obeys_cancel = False
    server = Server(Config(application(core), port=0, timeout_graceful_shutdown=0))

    async def meanwhile() -> None:
        core.busy = 1
        server.should_exit = True

    served(server, meanwhile)
    assert core.events[2:] == ["drain", "cancel", "cancel", "abort", *ENDED]


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
    assert core.events[2:] == ["drain", "cancel", *ENDED]
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
    assert core.events[2:] == ["drain", "cancel", *ENDED]


def test_a_failed_startup_raises_and_leaves_nothing(core: FakeCore) -> None:
    server = Server(Config(application(core, startup="failed"), port=0))
    with pytest.raises(StartupError, match=r"^Application startup failed. Exiting.$"):
        served(server, exiting(server))
    assert core.events == ["startup"]
    assert not server.started
    assert server._binding is not None
    assert [sock.fileno() for sock in server._binding.sockets] == [-1]


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

    asyncio.run(scenario())
    assert core.events[-4:] == ENDED


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


def test_run_swallows_the_interrupt(core: FakeCore) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    run(app, port=0)


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

    fastserve.server._run(main(), asyncio.SelectorEventLoop)
    assert core.events == ["startup", "shutdown"]
    assert left[0].is_closed()


def test_showing_the_version_loads_no_event_loop() -> None:
    code = "import sys, fastserve.cli; print({'asyncio', 'fastserve.server'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout == "set()\n"
