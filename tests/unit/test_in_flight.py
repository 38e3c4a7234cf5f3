"""Which requests are being worked on, and where are they?"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from fastserve.features.in_flight import requests_in_flight

anyio = pytest.importorskip("anyio")
from anyio import to_thread  # noqa: E402

REQUEST = SimpleNamespace(method="GET", path="/", client=("10.0.0.1", 5000), request_id=None)


class Asked:
    """A coroutine that is run as a request's, until it waits where it will wait."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.let_go = threading.Event()
        self.in_thread = threading.Event()

    def working(self) -> list[tuple[Any, float, str, Any]]:
        return [(REQUEST, 1.0, "suspended", self.coroutine)]

    def block(self) -> None:
        self.in_thread.set()
        self.let_go.wait()

    async def wait(self) -> None:
        await self.event.wait()

    async def sub(self) -> None:
        await self.wait()


def told(of: Callable[[Asked], Coroutine[Any, Any, object]], in_thread: bool = False) -> dict[str, Any]:
    """What is told of a request while it waits; asked from another thread, as the control socket does."""

    async def main() -> dict[str, Any]:
        asked = Asked()
        asked.coroutine = of(asked)  # type: ignore[attr-defined]
        task = asyncio.ensure_future(asked.coroutine)  # type: ignore[attr-defined]
        for _ in range(20):
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        loop_thread = threading.get_ident()
        with ThreadPoolExecutor(2) as own:
            if in_thread:
                await loop.run_in_executor(own, asked.in_thread.wait)
            (found,) = await loop.run_in_executor(own, requests_in_flight, asked, loop_thread)
        asked.event.set()
        asked.let_go.set()
        await task
        return found

    return asyncio.run(main())


def functions(found: dict[str, Any]) -> list[str]:
    return [place.partition(" in ")[2].partition(":")[0] for place in found["where"]]


def test_a_coroutine_that_awaits_others() -> None:
    async def request(asked: Asked) -> None:
        await asked.sub()

    found = told(request)
    assert (found["doing"], found["client"]) == ("suspended", "10.0.0.1:5000")
    assert functions(found) == ["wait", "sub", "request"]
    assert found["where"][0].endswith("in wait: await self.event.wait()")


async def awaits_a_task(asked: Asked) -> None:
    await asyncio.create_task(asked.sub())


async def shields(asked: Asked) -> None:
    await asyncio.shield(asked.sub())


async def waits_with_a_limit(asked: Asked) -> None:
    await asyncio.wait_for(asked.sub(), 60)


async def waits_for_the_first(asked: Asked) -> None:
    await asyncio.wait([asyncio.ensure_future(asked.sub())])


async def has_a_group_of_anyio(asked: Asked) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(asked.sub)


async def is_middleware(asked: Asked) -> None:
    """As Starlette's BaseHTTPMiddleware: what it waits for comes from a task of its group."""
    async with anyio.create_task_group() as group:
        send, receive = anyio.create_memory_object_stream[str]()

        async def call() -> None:
            with send:
                await asked.sub()

        group.start_soon(call)
        with receive:
            async for _ in receive:
                pass


@pytest.mark.parametrize(
    "request_",
    [awaits_a_task, shields, waits_with_a_limit, waits_for_the_first, has_a_group_of_anyio, is_middleware],
)
def test_a_request_whose_work_is_in_a_task(request_: Callable[[Asked], Coroutine[Any, Any, None]]) -> None:
    found = functions(told(request_))
    assert found[:2] == ["wait", "sub"]
    assert found[-1] == request_.__name__


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.TaskGroup is new in 3.11")
def test_a_task_group_of_asyncio() -> None:
    async def request(asked: Asked) -> None:
        async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined,unused-ignore]
            group.create_task(asked.sub())

    assert functions(told(request)) == ["wait", "sub", "request"]


def test_several_tasks_are_told_by_their_names() -> None:
    async def request(asked: Asked) -> None:
        tasks = [asyncio.create_task(asked.sub(), name=name) for name in ("prices", "stock")]
        await asyncio.gather(*tasks)

    found = told(request)
    first = [place.partition(": ")[0] for place in found["where"][:4:2]]
    assert sorted(first) == ["task 'prices'", "task 'stock'"]
    assert functions(found) == ["wait", "sub", "wait", "sub", "request"]


async def has_a_def_endpoint(asked: Asked) -> None:
    await to_thread.run_sync(asked.block)


async def uses_the_loops_threads(asked: Asked) -> None:
    await asyncio.to_thread(asked.block)


async def has_a_task_with_a_thread(asked: Asked) -> None:
    await asyncio.gather(asyncio.to_thread(asked.block))


@pytest.mark.parametrize("request_", [has_a_def_endpoint, uses_the_loops_threads, has_a_task_with_a_thread])
def test_a_request_that_a_thread_works_for(request_: Callable[[Asked], Coroutine[Any, Any, None]]) -> None:
    found = told(request_, in_thread=True)
    assert found["doing"] == "runs in a thread"
    assert functions(found) == ["block", request_.__name__]


def test_a_request_that_waits_for_a_thread() -> None:
    async def of_anyio(asked: Asked) -> None:
        limiter = anyio.CapacityLimiter(1)
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: to_thread.run_sync(asked.block, limiter=limiter))
            await asyncio.sleep(0)
            await to_thread.run_sync(asked.block, limiter=limiter)

    async def of_the_loop(asked: Asked) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asked.block)
            await asyncio.get_running_loop().run_in_executor(pool, asked.block)

    assert told(of_the_loop, in_thread=True)["doing"] == "waits for a thread"
    assert told(of_anyio, in_thread=True)["doing"] == "waits for a thread"


def test_tasks_that_wait_for_each_other() -> None:
    async def request(asked: Asked) -> None:
        async with anyio.create_task_group() as group:

            async def child() -> None:
                own = group  # what it holds leads back
                await asked.wait()
                assert own is group

            group.start_soon(child)

    assert functions(told(request)) == ["wait", "child", "request"]


def test_a_task_that_runs_is_told_with_the_loops_stack() -> None:
    """Asked on the loop, as nothing else could be sure to meet it there."""
    found: list[dict[str, Any]] = []

    async def main() -> None:
        asked = Asked()

        def look() -> None:
            thread = threading.get_ident()
            looker = threading.Thread(target=lambda: found.extend(requests_in_flight(asked, thread)))
            looker.start()
            looker.join()

        async def child() -> None:
            look()

        async def request() -> None:
            await asyncio.create_task(child())

        asked.coroutine = request()  # type: ignore[attr-defined]
        await asked.coroutine  # type: ignore[attr-defined]

    asyncio.run(main())
    assert found[0]["doing"] == "runs"
    assert "look" in functions(found[0])


def test_a_request_that_goes_on_while_it_is_looked_at() -> None:
    """Its place is not told, and those of the others are."""

    class Gone:
        @property
        def cr_frame(self) -> None:
            raise RuntimeError("changed size during iteration")

    async def main() -> list[dict[str, Any]]:
        waiting = asyncio.Event().wait()
        task = asyncio.ensure_future(waiting)
        await asyncio.sleep(0)
        working = [(REQUEST, 1.0, "suspended", Gone()), (REQUEST, 2.0, "suspended", waiting)]
        found = requests_in_flight(SimpleNamespace(working=lambda: working), threading.get_ident())
        task.cancel()
        return found

    assert [bool(one["where"]) for one in asyncio.run(main())] == [False, True]
