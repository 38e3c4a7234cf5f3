"""fastserve/interface.py and asgi/asgi2.py: ASGI 3, ASGI 2 or WSGI?"""

from __future__ import annotations

import asyncio
import functools
from typing import Any
from wsgiref.validate import validator

import pytest

from fastserve.asgi.asgi2 import ASGI2Adapter
from fastserve.interface import interface_of


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


def wsgi(environ: Any, start_response: Any) -> Any: ...


def by_other_names(request: Any, respond: Any) -> Any: ...


def with_a_default(environ: Any, start_response: Any = None) -> Any: ...


def with_more(environ: Any, start_response: Any, extra: Any = None) -> Any: ...


class CallableWsgi:
    def __call__(self, environ: Any, start_response: Any) -> Any: ...

    def method(self, environ: Any, start_response: Any) -> Any: ...


class ClassWsgi:
    """PEP 3333, "The Application/Framework Side"."""

    def __init__(self, environ: Any, start_response: Any) -> None: ...

    def __iter__(self) -> Any:
        yield b""


@pytest.mark.parametrize(
    ("app", "interface"),
    [
        (three, "asgi3"),
        (functools.partial(four, "extra"), "asgi3"),
        (returning_three, "asgi3"),
        (wrapper, "asgi3"),
        (Callable3(), "asgi3"),
        (Callable3().method, "asgi3"),
        (Class3, "asgi3"),
        (min, "asgi3"),
        (double, "asgi2"),
        (functools.partial(lambda extra, scope: None, 1), "asgi2"),
        (Callable2(), "asgi2"),
        (Class2, "asgi2"),
        (wsgi, "wsgi"),
        (by_other_names, "wsgi"),
        (with_a_default, "wsgi"),
        (with_more, "wsgi"),
        (functools.partial(with_more, extra=1), "wsgi"),
        (CallableWsgi(), "wsgi"),
        (CallableWsgi().method, "wsgi"),
        (ClassWsgi, "wsgi"),
        (validator(wsgi), "asgi3"),  # *args: nobody can tell
    ],
)
def test_what_an_application_speaks(app: Any, interface: str) -> None:
    assert interface_of(app) == interface


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
