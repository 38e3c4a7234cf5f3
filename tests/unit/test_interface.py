"""fastserve/asgi/interface.py: ASGI 3 or ASGI 2?"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

from fastserve.asgi.interface import ASGI2Adapter, speaks_asgi2


async def three(scope: Any, receive: Any, send: Any) -> None: ...


async def four(extra: Any, scope: Any, receive: Any, send: Any) -> None: ...


def double(scope: Any) -> Any: ...


def returning_three(scope: Any, receive: Any, send: Any) -> Any:
    return three(scope, receive, send)


def wrapper(*args: Any, **keywords: Any) -> Any:
    return three(*args, **keywords)


class Callable3:
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def method(self, scope: Any, receive: Any, send: Any) -> None: ...


class Callable2:
    def __call__(self, scope: Any) -> Any: ...


class Class2:
    def __init__(self, scope: Any, option: Any = None, other: Any = None) -> None: ...

    async def __call__(self, receive: Any, send: Any) -> None: ...


class Class3:
    def __init__(self, scope: Any, receive: Any, send: Any) -> None: ...

    def __await__(self) -> Any:
        yield


@pytest.mark.parametrize(
    ("app", "is_asgi2"),
    [
        (three, False),
        (functools.partial(four, "extra"), False),
        (returning_three, False),
        (wrapper, False),
        (Callable3(), False),
        (Callable3().method, False),
        (Class3, False),
        (min, False),
        (double, True),
        (functools.partial(lambda extra, scope: None, 1), True),
        (Callable2(), True),
        (Class2, True),
    ],
)
def test_what_an_application_speaks(app: Any, is_asgi2: bool) -> None:
    assert speaks_asgi2(app) is is_asgi2


def test_the_adapter_calls_twice_and_tells_the_version() -> None:
    calls: list[Any] = []

    def app(scope: Any) -> Any:
        calls.append(scope)

        async def instance(receive: Any, send: Any) -> None:
            calls.append((receive, send))

        return instance

    shared = {"version": "3.0", "spec_version": "2.5"}
    scope = {"type": "http", "asgi": shared}
    asyncio.run(ASGI2Adapter(app)(scope, "receive", "send"))
    assert calls == [
        {"type": "http", "asgi": {"version": "2.0", "spec_version": "2.5"}},
        ("receive", "send"),
    ]
    assert shared["version"] == "3.0"
