"""fastserve/asgi/lifespan.py: the application's start and end, and every way to fail at them."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fastserve.asgi.lifespan import _ANSWERS, _NEXT, Lifespan, Phase
from fastserve.errors import StartupError

App = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]

STARTED = {"type": "lifespan.startup.complete"}
STOPPED = {"type": "lifespan.shutdown.complete"}


async def well_behaved(scope: Any, receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "lifespan.startup"
    await send(STARTED)
    assert (await receive())["type"] == "lifespan.shutdown"
    await send(STOPPED)


def live(app: App, mode: str = "auto") -> Lifespan:
    """Take an application through its whole life; return its lifespan. Nothing may be left running."""

    async def scenario() -> Lifespan:
        lifespan = Lifespan(app, mode)
        await lifespan.startup()
        await lifespan.shutdown()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return lifespan

    return asyncio.run(scenario())


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level("DEBUG", "fastserve")
    return lambda: [
        f"{record.levelname} {record.getMessage()}"
        for record in caplog.records
        if record.name == "fastserve.error"
    ]


def test_a_whole_life(lines: Callable[[], list[str]]) -> None:
    assert live(well_behaved).phase is Phase.STOPPED
    assert lines() == [
        "INFO Waiting for application startup.",
        "INFO Application startup complete.",
        "INFO Waiting for application shutdown.",
        "INFO Application shutdown complete.",
    ]


def test_off_does_not_call_the_application(lines: Callable[[], list[str]]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("called")

    assert live(app, "off").state == {}
    assert lines() == []


def test_the_scope() -> None:
    scopes = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        scope["state"]["pool"] = 7
        await well_behaved(scope, receive, send)

    lifespan = live(app)
    assert scopes == [
        {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {"pool": 7}}
    ]
    assert lifespan.state is scopes[0]["state"]


def test_context_of_the_startup_stays_in_its_task() -> None:
    variable = contextvars.ContextVar("variable", default="untouched")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        variable.set("of the lifespan")
        await well_behaved(scope, receive, send)

    async def scenario() -> str:
        lifespan = Lifespan(app, "on")
        await lifespan.startup()
        seen = (
            contextvars.copy_context()[variable] if variable in contextvars.copy_context() else variable.get()
        )
        await lifespan.shutdown()
        return seen

    assert asyncio.run(scenario()) == "untouched"


async def raises_at_once(scope: Any, receive: Any, send: Any) -> None:
    raise KeyError("no lifespan here")


def test_auto_takes_an_exception_for_no_support(lines: Callable[[], list[str]]) -> None:
    assert live(raises_at_once).phase is Phase.UNSUPPORTED
    assert lines() == [
        "INFO Waiting for application startup.",
        "INFO ASGI 'lifespan' protocol appears unsupported.",
        "DEBUG What the application raised:",
        "INFO Application startup complete.",
    ]


def test_on_takes_an_exception_for_a_failure(
    lines: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StartupError, match=r"^Application startup failed. Exiting.$"):
        live(raises_at_once, "on")
    assert lines() == ["INFO Waiting for application startup.", "ERROR Exception in 'lifespan' protocol"]
    assert "no lifespan here" in caplog.text


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_an_application_that_returns_at_once_takes_no_part(mode: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    assert live(app, mode).phase is Phase.STOPPED


@pytest.mark.parametrize("mode", ["auto", "on"])
@pytest.mark.parametrize("then", ["returns", "raises", "asks again"])
def test_a_startup_that_failed(mode: str, then: str, lines: Callable[[], list[str]]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        if then == "raises":
            raise ConnectionError("no database")
        if then == "asks again":
            await receive()

    with pytest.raises(StartupError):
        live(app, mode)
    assert lines() == ["INFO Waiting for application startup.", "ERROR no database"]


@pytest.mark.parametrize("mode", ["auto", "on"])
def test_a_shutdown_that_failed(mode: str, lines: Callable[[], list[str]]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(STARTED)
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "still writing"})

    assert live(app, mode).phase is Phase.FAILED
    assert lines()[-2:] == ["ERROR still writing", "ERROR Application shutdown failed. Exiting."]


def test_a_shutdown_that_raises_is_no_lack_of_support(
    lines: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(STARTED)
        await receive()
        raise OSError("disk full")

    assert live(app).phase is Phase.FAILED
    assert lines()[-2:] == [
        "ERROR Exception in 'lifespan' protocol",
        "ERROR Application shutdown failed. Exiting.",
    ]
    assert "disk full" in caplog.text


def test_an_application_that_raises_while_serving_is_told_at_once(lines: Callable[[], list[str]]) -> None:
    raise_now = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(STARTED)
        await raise_now.wait()
        raise OSError("lost")

    async def scenario() -> None:
        lifespan = Lifespan(app, "auto")
        await lifespan.startup()
        raise_now.set()
        await lifespan._ended()
        assert lines()[-1] == "ERROR Exception in 'lifespan' protocol"
        before = len(lines())
        await lifespan.shutdown()
        assert len(lines()) == before

    asyncio.run(scenario())


def test_cleanup_after_the_last_message_is_waited_for() -> None:
    cleaned = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await well_behaved(scope, receive, send)
        await asyncio.sleep(0.01)
        cleaned.append(True)

    live(app)
    assert cleaned == [True]


def test_an_application_that_loops_over_receive_ends() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})

    assert live(app).phase is Phase.STOPPED


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        (kind, phase)
        for kind in (*_ANSWERS, "http.response.start")
        for phase in (Phase.STARTING, Phase.STARTED, Phase.STOPPED)
        if kind not in _ANSWERS or _ANSWERS[kind][0] is not phase
    ],
)
def test_a_message_out_of_turn_is_refused(kind: str, phase: Phase) -> None:
    refused = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def attempt() -> None:
            with pytest.raises(RuntimeError, match=f"Unexpected lifespan message '{kind}'") as raised:
                await send({"type": kind})
            refused.append(raised.value)

        await receive()
        if phase is Phase.STARTING:
            await attempt()
        await send(STARTED)
        if phase is Phase.STARTED:
            await attempt()
        await receive()
        await send(STOPPED)
        if phase is Phase.STOPPED:
            await attempt()

    assert live(app).phase is Phase.STOPPED
    assert len(refused) == 1


def test_the_end_of_a_program_is_not_swallowed() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise SystemExit(5)

    async def scenario() -> None:
        lifespan = Lifespan(app, "auto")
        try:
            await lifespan.startup()
        finally:
            await lifespan.shutdown()

    with pytest.raises(SystemExit) as raised:
        asyncio.run(scenario())
    assert raised.value.code == 5


def test_every_phase_has_its_successors() -> None:
    assert set(_NEXT) == set(Phase)
    for before, after in _ANSWERS.values():
        assert after in _NEXT[before]
