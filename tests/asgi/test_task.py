"""Is the application in a task like any other? Whatever looks at tasks must find what it expects."""

from __future__ import annotations

import asyncio
import gc
import inspect
import io
import sys
import weakref
from collections.abc import Coroutine
from typing import Any

import pytest

import fastserve

from .apps import Receive, Scope, Send, answer
from .conftest import Serve
from .serving import Gate, Serving, get

CASES = pytest.mark.parametrize


def asking(serve: Serve, function: Any, **options: Any) -> Serving:
    """Serves an application that awaits the function and answers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await function()
        await answer(send)

    serving = serve(app, **options)
    assert serving.ask().status == 200, serving.errors()
    return serving


STEPS = [0, 1, 2]


@CASES("steps", STEPS)
def test_current_task(serve: Serve, steps: int) -> None:
    """Before the first wait as well as behind it: there the task is an eager one (CPython 3.12)."""

    async def look() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        task = asyncio.current_task()
        assert isinstance(task, asyncio.Task)
        assert task in asyncio.all_tasks()
        assert task.get_loop() is asyncio.get_running_loop()
        assert not task.done() and not task.cancelled()
        assert weakref.ref(task)() is task

    asking(serve, look)


def test_the_same_task_throughout(serve: Serve) -> None:
    tasks: list[int] = []

    async def look() -> None:
        for _ in range(3):
            tasks.append(id(asyncio.current_task()))
            await asyncio.sleep(0)

    asking(serve, look)
    assert len(set(tasks)) == 1


def test_another_task_for_each_request(serve: Serve) -> None:
    tasks: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        tasks.append(asyncio.current_task())
        await answer(send)

    serving = serve(app)
    with serving.connect() as client:
        client.send(get() * 3)
        assert [client.response().status for _ in range(3)] == [200] * 3
    assert len(set(tasks)) == 3
    serving.await_idle()
    assert all(task.done() and not task.cancelled() and task.result() is None for task in tasks)


@CASES("steps", STEPS)
def test_what_a_debugger_shows(serve: Serve, steps: int) -> None:
    async def look() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        task: Any = asyncio.current_task()
        assert "app" in repr(task)
        assert "test_task.py" in repr(task)
        coroutine = task.get_coro()
        assert isinstance(coroutine, Coroutine)
        assert asyncio.iscoroutine(coroutine)
        assert inspect.isawaitable(coroutine)
        assert coroutine.__qualname__.endswith("asking.<locals>.app")
        assert coroutine.__name__ == "app"
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_RUNNING
        assert coroutine.cr_code.co_name == "app"
        assert coroutine.cr_running
        task.set_name("named")
        assert task.get_name() == "named"

    asking(serve, look)


def test_what_a_debugger_shows_of_a_task_that_waits(serve: Serve) -> None:
    gate = Gate()
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await gate.wait()
        await answer(send)

    def look() -> None:
        (task,) = (task for task in asyncio.all_tasks() if "app" in repr(task))
        (frame,) = task.get_stack()
        out = io.StringIO()
        task.print_stack(file=out)
        coroutine: Any = task.get_coro()
        state = inspect.getcoroutinestate(coroutine)
        seen.extend([frame.f_code.co_name, out.getvalue(), state, coroutine.cr_await])

    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        gate.await_reached()
        serving.in_loop(look)
        gate.open()
        assert client.response().status == 200
    name, stack, state, awaited = seen
    assert name == "app"
    assert "await gate.wait()" in stack
    assert state == inspect.CORO_SUSPENDED
    assert awaited.cr_code.co_name == "wait"
    del awaited, seen[:]


@CASES("steps", STEPS)
def test_callbacks_run_when_the_application_has_returned(serve: Serve, steps: int) -> None:
    order: list[str] = []

    async def look() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        task: Any = asyncio.current_task()
        task.add_done_callback(lambda done: order.append(f"done {done.result()}"))
        order.append("returning")

    asking(serve, look).await_idle()
    assert order == ["returning", "done None"]


def test_no_task_is_kept(serve: Serve) -> None:
    tasks: list[Any] = []

    async def look() -> None:
        tasks.append(weakref.ref(asyncio.current_task()))  # type: ignore[arg-type]
        await asyncio.sleep(0)

    serving = asking(serve, look)
    serving.await_idle()
    serving.in_loop(gc.collect)
    assert tasks[0]() is None


def test_a_task_that_only_the_server_holds(serve: Serve) -> None:
    """Event loops hold tasks weakly: what waits for a future that nobody else knows must not vanish."""
    gate = Gate()
    futures: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        future = asyncio.get_running_loop().create_future()
        futures.append(weakref.ref(future))
        gate.announce()
        await future
        await answer(send)

    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        gate.await_reached()
        serving.in_loop(gc.collect)
        serving.in_loop(lambda: futures[0]().set_result(None))
        assert client.response().status == 200


def factory_app(factory: Any, kinds: list[Any]) -> Any:
    """Sets a task factory at startup, as an application does that wants eager or traced tasks."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            asyncio.get_running_loop().set_task_factory(factory)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/wait":
            await asyncio.sleep(0)
        task = asyncio.current_task()
        kinds.append(type(task).__name__)
        assert task in asyncio.all_tasks()
        await answer(send)

    return app


class TracedTask(asyncio.Task):  # type: ignore[type-arg]
    pass


def traced(loop: asyncio.AbstractEventLoop, coro: Any, **keywords: Any) -> Any:
    return TracedTask(coro, loop=loop, **keywords)


def wrapping(loop: asyncio.AbstractEventLoop, coro: Any, **keywords: Any) -> Any:
    async def wrapper() -> Any:
        return await coro

    return TracedTask(wrapper(), loop=loop, **keywords)


def takes_factory(loop: str, factory: Any) -> bool:
    """Whether the loop's own create_task works with it: uvloop 0.23's does not with 3.13's eager factory."""

    async def nothing() -> None:
        pass

    async def attempt() -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        coroutine = nothing()
        try:
            await asyncio.create_task(coroutine)
        finally:
            coroutine.close()

    made = fastserve.Config(attempt, loop=loop).get_loop_factory()()
    try:
        made.run_until_complete(attempt())
    except TypeError:
        return False
    finally:
        made.close()
    return True


@CASES("path", ["/", "/wait"])
@CASES(
    ("factory", "kind"),
    [
        (traced, "TracedTask"),
        (wrapping, "TracedTask"),
        pytest.param(
            getattr(asyncio, "eager_task_factory", None),
            "Task",
            marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12"),
        ),
    ],
)
def test_a_task_factory_is_honoured(serve: Serve, factory: Any, kind: str, path: str, loop: str) -> None:
    if not takes_factory(loop, factory):
        pytest.skip(f"{loop} itself cannot use this factory")
    kinds: list[Any] = []
    serving = serve(factory_app(factory, kinds), lifespan="on")
    with serving.connect() as client:
        assert [client.ask(get(path)).status for _ in range(3)] == [200] * 3
        client.send(get(path) * 3)
        assert [client.response().status for _ in range(3)] == [200] * 3
    serving.await_idle()
    assert kinds == [kind] * 6
    serving.in_loop(lambda: asyncio.get_running_loop().set_task_factory(None))


def test_tasks_of_a_loop_in_debug_mode(serve: Serve) -> None:
    async def look() -> None:
        asyncio.get_running_loop().set_debug(True)
        await asyncio.sleep(0)
        assert "app" in repr(asyncio.current_task())

    serving = asking(serve, look)
    assert [serving.ask().status for _ in range(3)] == [200] * 3


def test_its_methods_are_a_coroutines(serve: Serve) -> None:
    """Whoever steps, closes or reuses the server's coroutine by hand harms nobody but this request."""
    errors: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        coroutine: Any = asyncio.current_task().get_coro()  # type: ignore[union-attr]
        for abuse in (coroutine.close, lambda: coroutine.throw(KeyError("thrown"))):
            try:
                abuse()
            except (ValueError, RuntimeError, StopIteration, KeyError) as error:
                errors.append(type(error).__name__)
        await answer(send)

    serving = serve(app)
    for _ in range(2):
        serving.ask()
    serving.await_idle()
    assert len(errors) == 4
    serving.errors()


def test_the_server_serves_on_after_that(serve: Serve) -> None:
    async def look() -> None:
        task: Any = asyncio.current_task()
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="already executing"):
            task.get_coro().close()

    serving = asking(serve, look)
    assert serving.ask().status == 200
