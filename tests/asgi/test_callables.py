"""What is an application? Whatever can be called with scope, receive and send, and returns an awaitable."""

from __future__ import annotations

import asyncio
import functools
import types
from collections.abc import Generator
from typing import Any

import pytest

from .apps import Receive, Scope, Send, answer, hello
from .conftest import Serve
from .serving import get

CASES = pytest.mark.parametrize


class WithCall:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)

    async def method(self, scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)

    @classmethod
    async def class_method(cls, scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)

    @staticmethod
    async def static_method(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)


class WithAwait:
    """A class that is an application: its instance is awaited."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.arguments = (scope, receive, send)

    def __await__(self) -> Generator[Any, None, None]:
        yield from hello(*self.arguments).__await__()


class WithStrangeAwait(WithAwait):
    """Its iterator knows neither send nor throw nor close."""

    def __await__(self) -> Any:
        return Steps(hello(*self.arguments).__await__())


class Steps:
    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return next(self.iterator)


async def with_more(scope: Scope, receive: Receive, send: Send, more: str) -> None:
    assert more == "more"
    await hello(scope, receive, send)


def returns_a_coroutine(scope: Scope, receive: Receive, send: Send) -> Any:
    return hello(scope, receive, send)


def returns_a_task(scope: Scope, receive: Receive, send: Send) -> Any:
    return asyncio.ensure_future(hello(scope, receive, send))


def returns_gather(scope: Scope, receive: Receive, send: Send) -> Any:
    async def work() -> None:
        await asyncio.gather(hello(scope, receive, send))

    return work()


@types.coroutine
def generator_based(scope: Scope, receive: Receive, send: Send) -> Any:
    yield from hello(scope, receive, send).__await__()


async def positional(scope: Scope, receive: Receive, send: Send, /) -> None:
    await hello(scope, receive, send)


async def other_names(a: Scope, b: Receive, c: Send) -> None:
    await hello(a, b, c)


@CASES(
    "app",
    [
        hello,
        WithCall(),
        WithCall().method,
        WithCall.class_method,
        WithCall.static_method,
        WithAwait,
        WithStrangeAwait,
        functools.partial(with_more, more="more"),
        functools.partial(WithCall()),
        returns_a_coroutine,
        returns_a_task,
        returns_gather,
        generator_based,
        positional,
        other_names,
        lambda scope, receive, send: hello(scope, receive, send),
    ],
    ids=lambda app: getattr(app, "__qualname__", type(app).__name__),
)
def test_kinds_of_applications(serve: Serve, app: Any) -> None:
    with serve(app).connect() as client:
        assert [client.ask(get()).body for _ in range(2)] == [b"hello"] * 2
        client.send(get() * 2)
        assert [client.response().body for _ in range(2)] == [b"hello"] * 2


class CancelledWhileItWaits:
    """An awaitable whose future is cancelled by the task that awaits it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.send = send

    def __await__(self) -> Any:
        asyncio.get_running_loop().call_soon(asyncio.current_task().cancel)  # type: ignore[union-attr]
        return Steps(asyncio.sleep(10).__await__())


def test_cancellation_of_an_awaitable_that_cannot_be_thrown_into(serve: Serve) -> None:
    serving = serve(CancelledWhileItWaits)
    assert serving.ask().status == 503
    (text,) = serving.errors()
    assert "was cancelled" in text


def plain(scope: Scope, receive: Receive, send: Send) -> None:
    pass


def wsgi(environ: Any, start_response: Any) -> list[bytes]:
    return []


def asgi_2(scope: Scope) -> Any:
    return hello


async def generator(scope: Scope, receive: Receive, send: Send) -> Any:
    yield


AWAITABLE = "an ASGI application returns an awaitable, as `async def` does, but this one returned "


@CASES(
    ("app", "error"),
    [
        (plain, f"{AWAITABLE}None"),
        (generator, f"{AWAITABLE}<async_generator object"),
        (lambda scope, receive, send: [b""], f"{AWAITABLE}[b'']"),
        (wsgi, "takes 2 positional arguments but 3 were given"),
        (asgi_2, "takes 1 positional argument but 3 were given"),
    ],
)
def test_what_is_no_application_is_told_in_one_line(serve: Serve, app: Any, error: str) -> None:
    serving = serve(app, interface="asgi3")
    assert [serving.ask(get("/route")).status for _ in range(2)] == [500] * 2
    for text in serving.errors():
        assert text.startswith("Exception in ASGI application (GET /route)\n")
        last = text.rpartition("\n")[2]
        assert last.startswith("TypeError: ") and error in last


def test_an_application_that_asks_about_itself(serve: Serve) -> None:
    """What it is called with can be introspected, and called with keywords only as ASGI says: by position."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert callable(receive) and callable(send)
        assert receive is not send
        awaitable: Any = receive()
        assert hasattr(awaitable, "__await__")
        with pytest.raises(TypeError):
            receive(1)  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            send()  # type: ignore[call-arg]
        await answer(send)

    assert serve(app).ask().status == 200


def test_copies_of_what_it_is_called_with(serve: Serve) -> None:
    """Frameworks copy scopes, and what holds receive and send. A second cycle must never come of that."""
    import copy
    import pickle

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert copy.deepcopy(scope) == copy.copy(scope) == scope
        task: Any = asyncio.current_task()
        for thing in (receive(), task.get_coro()):
            for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError):
                    duplicate(thing)
        try:
            held = copy.deepcopy({"send": send})["send"]
        except TypeError:
            held = send
        await answer(held, b"once")

    assert serve(app).ask().body == b"once"
