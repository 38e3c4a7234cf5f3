"""Which context variables does a request see? Those of the server's start, and what it sets itself."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref
from typing import Any

import anyio.to_thread
import pytest

from .apps import Receive, Scope, Send, answer, head, part, read
from .conftest import Serve
from .serving import Gate, get, request

CASES = pytest.mark.parametrize
VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")
OBJECT: contextvars.ContextVar[Any] = contextvars.ContextVar("OBJECT", default=None)


async def spoil(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what it finds, having set the variable at every moment that a request has."""
    found = VARIABLE.get()
    VARIABLE.set("at the start " + scope["path"])
    await read(receive)
    VARIABLE.set("behind the body " + scope["path"])
    await asyncio.sleep(0)
    await send(head())
    VARIABLE.set("behind the head " + scope["path"])
    await send(part(found.encode(), more=True))
    await send(part())
    VARIABLE.set("behind the answer " + scope["path"])


def test_from_one_request_to_the_next_on_a_connection(serve: Serve) -> None:
    with serve(spoil).connect() as client:
        assert [client.ask(get(f"/{number}")).body for number in range(5)] == [b"unset"] * 5


def test_from_one_request_to_the_next_in_a_pipeline(serve: Serve) -> None:
    with serve(spoil).connect() as client:
        client.send(b"".join(get(f"/{number}") for number in range(5)))
        assert [client.response().body for _ in range(5)] == [b"unset"] * 5


def test_from_a_request_to_one_whose_head_it_has_read(serve: Serve) -> None:
    """A body in pieces is handed over from several places of the server, all in nobody's context."""
    with serve(spoil).connect() as client:
        for _ in range(3):
            data = request("POST", "/", body=b"x" * 30)
            for start in range(0, len(data), 20):
                client.send(data[start : start + 20])
                client.expect_silence(0.001) if start + 20 < len(data) else None
            assert client.response().body == b"unset"


def test_between_connections(serve: Serve) -> None:
    serving = serve(spoil)
    assert [serving.ask().body for _ in range(5)] == [b"unset"] * 5


def test_of_the_servers_start(serve: Serve) -> None:
    """`serving` runs in a thread, whose context is empty; the application's factory sets one in it."""

    def factory() -> Any:
        VARIABLE.set("at the start of the server")
        return spoil

    with serve(factory, factory=True).connect() as client:
        assert [client.ask(get()).body for _ in range(2)] == [b"at the start of the server"] * 2


def test_of_the_lifespan_are_its_own(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            VARIABLE.set("in the lifespan")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            assert VARIABLE.get() == "in the lifespan"
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await answer(send, VARIABLE.get())

    assert serve(app, lifespan="on").ask().body == b"unset"


def test_a_request_keeps_its_own_while_others_run(serve: Serve) -> None:
    gates = [Gate() for _ in range(5)]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        VARIABLE.set(scope["path"])
        await gates[int(scope["path"][1:])].wait()
        await answer(send, VARIABLE.get())

    serving = serve(app)
    clients = [serving.connect() for _ in gates]
    for number, client in enumerate(clients):
        client.send(get(f"/{number}"))
        gates[number].await_reached()
    for number in (3, 0, 4, 1, 2):
        gates[number].open()
        assert clients[number].response().body == f"/{number}".encode()
        clients[number].close()


def test_children_inherit_it(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        VARIABLE.set("of the parent")

        async def child() -> str:
            found = VARIABLE.get()
            VARIABLE.set("of the child")
            return found

        found = [
            await asyncio.ensure_future(child()),
            await asyncio.to_thread(VARIABLE.get),
            await anyio.to_thread.run_sync(VARIABLE.get),
            (await asyncio.gather(child(), child()))[1],
            VARIABLE.get(),
        ]
        await answer(send, ", ".join(found))

    assert serve(app).ask().body == b", ".join([b"of the parent"] * 5)


def test_tokens_can_be_reset(serve: Serve) -> None:
    """A token is good in its own context only: the whole request is in one, whatever it waits for."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        token = VARIABLE.set("set")
        await read(receive)
        await asyncio.sleep(0)
        await send(head())
        await send(part(VARIABLE.get().encode(), more=True))
        await asyncio.to_thread(lambda: None)
        VARIABLE.reset(token)
        await send(part(b" " + VARIABLE.get().encode()))

    with serve(app).connect() as client:
        client.send(request("POST", "/", "Content-Length: 1"))
        client.send(b"x")
        assert client.response().body == b"set unset"


def test_an_async_generator_that_sets_one(serve: Serve) -> None:
    async def dependency() -> Any:
        token = VARIABLE.set("in the dependency")
        yield
        VARIABLE.reset(token)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async for _ in dependency():
            await asyncio.sleep(0)
            found = VARIABLE.get()
        await answer(send, found + ", " + VARIABLE.get())

    assert serve(app).ask().body == b"in the dependency, unset"


def test_callbacks_run_in_it(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        VARIABLE.set("of the request")
        loop = asyncio.get_running_loop()
        found = loop.create_future()
        loop.call_soon(lambda: found.set_result(VARIABLE.get()))
        await answer(send, await found)

    assert serve(app).ask().body == b"of the request"


def test_what_a_request_has_set_does_not_outlive_it(serve: Serve) -> None:
    """On an idle connection, behind the request's end: nothing of the server's keeps the context."""
    objects: list[Any] = []

    class Thing:
        pass

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        thing = Thing()
        objects.append(weakref.ref(thing))
        OBJECT.set((thing, receive, send))
        await answer(send)

    serving = serve(app)
    with serving.connect() as client:
        assert client.ask(get()).status == 200
        serving.await_idle()

        def alive() -> Any:
            gc.collect()
            return objects[0]()

        serving.in_loop(lambda: None)
        assert serving.in_loop(alive) is None
