"""The extension modules' part, as far as server.py sees it: a core that only remembers what it was told."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine
from typing import Any

from fastserve.server import Server

#: How every life ends that has listened.
ENDED = ["endpoint closed", "access log flushed", "shutdown", "access log closed"]


class FakeCore:
    """`events` is all that happened, in order; `busy` counts the requests that hold up a drain."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.busy = 0
        self.obeys_cancel = True
        self.driver_arguments: tuple[Any, ...] = ()
        self.endpoint_arguments: tuple[Any, ...] = ()
        self.meaningless: list[str] = []
        self.idle = asyncio.Event()
        self.watching = False

    def finish(self) -> None:
        self.busy = 0
        self.idle.set()

    def modules(self) -> dict[str, types.ModuleType]:
        core = self

        class ASGIDriver:
            def __init__(self, *arguments: Any) -> None:
                core.driver_arguments = arguments

            def set_watch(self, watch: Any) -> None: ...

            def stepping(self) -> None: ...

        class AccessLog:
            def __init__(
                self, loop: Any, fd: int = 1, use_colors: bool = False, file: Any = None, prefix: bytes = b""
            ) -> None:
                core.events.append(f"access log on {fd}")

            def flush(self) -> None:
                core.events.append("access log flushed")

            def reopen(self) -> None:
                core.events.append("access log reopened")

            def close(self) -> None:
                core.events.append("access log closed")

        def proxy_filter(*arguments: Any) -> tuple[Any, list[str]]:
            return arguments, core.meaningless

        class Endpoint:
            def __init__(self, *arguments: Any) -> None:
                core.endpoint_arguments = arguments
                self.observers = arguments[4]

            @property
            def connections(self) -> int:
                return core.busy

            @property
            def requests_in_flight(self) -> int:
                return core.busy

            def announce_end(self) -> None:
                core.events.append("announce end")

            def drain(self, spare_newcomers: bool = False) -> None:
                if spare_newcomers:
                    core.events.append("drain")
                elif "drain all" not in core.events:
                    core.events.append("drain all")

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

        class BlockedLoop:
            def __init__(self, *arguments: Any) -> None: ...

            def start(self) -> None:
                core.watching = True

            def close(self) -> None:
                core.watching = False

        class WebSocketDriver:
            def __init__(self, driver: Any, limits: Any) -> None:
                self.driver = driver

        class WebSocketUpgrade:
            def __init__(self, loop: Any, driver: Any, limits: Any) -> None:
                self.driver = driver

        class Connection(asyncio.Protocol):
            def __init__(self, endpoint: Any) -> None:
                core.events.append("connection")

        found = {}
        for name, member in (
            ("fastserve.asgi.driver", ASGIDriver),
            ("fastserve.asgi.websocket", WebSocketDriver),
            ("fastserve.ws.handshake", WebSocketUpgrade),
            ("fastserve.features.access_log", AccessLog),
            ("fastserve.features.proxy", proxy_filter),
            ("fastserve.features.blocked_loop", BlockedLoop),
            ("fastserve.net.endpoint", Endpoint),
            ("fastserve.h1.connection", Connection),
        ):
            found[name] = types.ModuleType(name)
            setattr(found[name], member.__name__, member)
        return found


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
