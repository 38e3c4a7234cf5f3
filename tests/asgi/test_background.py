"""What if an application works on behind its answer? The connection serves on."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from .apps import Receive, Scope, Send, answer, head, part
from .conftest import Serve
from .serving import Gate, get, request, until

CASES = pytest.mark.parametrize


def working(gate: Gate, done: list[str]) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, scope["path"])
        if scope["path"] == "/task":
            await gate.wait()
            done.append("worked")

    return app


def test_the_next_request_is_served_meanwhile(serve: Serve) -> None:
    gate, done = Gate(), []
    serving = serve(working(gate, done))
    with serving.connect() as client:
        assert client.ask(get("/task")).body == b"/task"
        gate.await_reached()
        assert [client.ask(get(f"/{number}")).body for number in range(3)] == [b"/0", b"/1", b"/2"]
        assert serving.in_flight == 1
        gate.open()
    serving.await_idle()
    assert done == ["worked"]


def test_a_pipelined_request_is_served_meanwhile(serve: Serve) -> None:
    gate, done = Gate(), []
    serving = serve(working(gate, done))
    with serving.connect() as client:
        client.send(get("/task") + get("/1") + request("POST", "/2", body=b"x" * 1000) + get("/3"))
        assert [client.response().body for _ in range(4)] == [b"/task", b"/1", b"/2", b"/3"]
        assert done == []
        gate.open()
    serving.await_idle()


def test_many_on_one_connection(serve: Serve) -> None:
    gate, done = Gate(), []
    serving = serve(working(gate, done))
    with serving.connect() as client:
        for _ in range(50):
            assert client.ask(get("/task")).body == b"/task"
        until(lambda: serving.in_flight == 50, "not all of them work")
        gate.open()
    serving.await_idle()
    assert len(done) == 50


def test_it_goes_on_when_the_client_has_gone(serve: Serve) -> None:
    gate, done = Gate(), []
    serving = serve(working(gate, done))
    with serving.connect() as client:
        assert client.ask(get("/task")).body == b"/task"
        gate.await_reached()
        client.reset()
    until(lambda: serving.in_loop(lambda: serving.server._endpoint.connections) == 0, "still connected")
    assert serving.in_flight == 1
    gate.open()
    serving.await_idle()
    assert done == ["worked"]


@CASES("fields", [[], ["Connection: close"]], ids=["kept", "closed"])
def test_an_exception_in_it_is_told_and_the_answer_stands(serve: Serve, fields: list[str]) -> None:
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, scope["path"])
        if scope["path"] == "/task":
            await gate.wait()
            raise KeyError("in the background")

    serving = serve(app)
    with serving.connect() as client:
        assert client.ask(get("/task", *fields)).body == b"/task"
        gate.open()
        if not fields:
            assert client.ask(get("/next")).body == b"/next"
    serving.await_idle()
    (text,) = serving.errors()
    assert text.startswith("Exception in ASGI application (GET /task)")
    assert text.endswith("KeyError: 'in the background'")


def test_the_answer_leaves_when_the_application_waits(serve: Serve) -> None:
    """In the same turn of the loop: what blocks the loop from then on does not delay it."""
    answered = threading.Event()
    blocked: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"first")
        await asyncio.sleep(0)
        blocked.append(answered.wait(5))

    serving = serve(app)
    with serving.connect() as client:
        assert client.ask(get()).body == b"first"
        answered.set()
    serving.await_idle()
    assert blocked == [True]


def test_it_receives_that_it_is_over(serve: Serve) -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send)
        seen.append(await receive())
        await asyncio.sleep(0.01)
        seen.append(await receive())

    serving = serve(app)
    assert serving.ask(request("POST", "/", body=b"unread"), "POST").status == 200
    serving.await_idle()
    assert seen == [{"type": "http.disconnect"}] * 2


def test_a_body_that_nobody_read_is_out_of_the_way(serve: Serve) -> None:
    """It belongs to the request that was answered, and never to the application of the next."""
    gate = Gate()
    bodies: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/task":
            await answer(send, b"early")
            await gate.wait()
            bodies.append((await receive()).get("body", b"none"))
        else:
            bodies.append((await receive())["body"])
            await answer(send, b"next")

    serving = serve(app)
    with serving.connect() as client:
        client.send(request("POST", "/task", "Content-Length: 6") + b"unr")
        assert client.response().body == b"early"
        client.send(b"ead" + request("POST", "/next", body=b"own"))
        assert client.response().body == b"next"
        gate.open()
    serving.await_idle()
    assert bodies == [b"own", b"none"]


def test_late_messages_disturb_nobody(serve: Serve) -> None:
    """Whatever an application sends behind its answer, while the next request is at every stage."""
    gate = Gate()
    refused: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/task":
            await answer(send, b"early")
            await gate.wait()
            for message in (head(), part(b"late", more=True), part(b"late")) * 3:
                try:
                    await send(message)
                except RuntimeError as error:
                    refused.append(str(error))
                await asyncio.sleep(0)
        else:
            await send(head())
            gate._event.set()
            for letter in b"abcdef":
                await send(part(bytes([letter]), more=True))
                await asyncio.sleep(0)
            await send(part())

    serving = serve(app)
    with serving.connect() as client:
        client.send(get("/task") + get("/next") * 3)
        assert [client.response().body for _ in range(4)] == [b"early"] + [b"abcdef"] * 3
    serving.await_idle()
    assert len(refused) == 9
