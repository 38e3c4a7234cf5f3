"""fastserve/asgi/trace.py: each message in the log, where the level asks for it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from fastserve.asgi.trace import Trace
from fastserve.config import Config
from fastserve.logging import TRACE

SCOPE = {"type": "http", "client": ("192.0.2.7", 1234), "headers": [(b"cookie", b"secret")]}


async def app(scope: Any, receive: Any, send: Any) -> None:
    assert scope is SCOPE
    message = await receive()
    assert message["body"] == b"secret"
    await send({"type": "websocket.send", "text": "secret", "bytes": None})
    if message["more_body"]:
        raise LookupError("secret")


def called(more_body: bool, caplog: pytest.LogCaptureFixture) -> tuple[list[Any], list[str]]:
    """What the server was told, and the lines."""
    told: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"secret", "more_body": more_body}

    async def send(message: Any) -> None:
        told.append(message)

    caplog.set_level(TRACE, "fastserve.asgi")
    trace = Trace(app)
    asyncio.run(trace(SCOPE, receive, send))
    return told, [record.getMessage() for record in caplog.records]


def test_a_call_and_its_messages_without_what_is_secret(caplog: pytest.LogCaptureFixture) -> None:
    told, lines = called(False, caplog)
    assert told == [{"type": "websocket.send", "text": "secret", "bytes": None}]
    name = "192.0.2.7:1234 - ASGI [1]"
    assert lines == [
        f"{name} Started scope={{'type': 'http', 'client': ('192.0.2.7', 1234), 'headers': '<...>'}}",
        f"{name} Receive {{'type': 'http.request', 'body': '<6 bytes>', 'more_body': False}}",
        f"{name} Send {{'type': 'websocket.send', 'text': '<6 chars>', 'bytes': None}}",
        f"{name} Completed",
    ]


def test_what_an_application_raises_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(LookupError, match="secret"):
        called(True, caplog)
    assert caplog.messages[-1] == "192.0.2.7:1234 - ASGI [1] Raised LookupError"


@pytest.mark.parametrize(("level", "traced"), [("trace", True), ("debug", False), (None, False)])
def test_nobody_is_in_between_without_the_level(level: Any, traced: bool) -> None:
    config = Config(app, log_level=level)
    config.load()
    assert isinstance(config.loaded_app, Trace) == traced
    assert logging.getLogger("fastserve.asgi").isEnabledFor(TRACE) == traced
