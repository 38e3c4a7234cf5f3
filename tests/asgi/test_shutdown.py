"""What is cancelled at the end, and what runs after that? (The server's shutdown itself: the wire suite.)"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .apps import Receive, Scope, Send, answer, head, part, read
from .conftest import Serve
from .serving import Gate, get, request, until

CASES = pytest.mark.parametrize


class Application:
    """Writes down in which order things end; `work` is what its requests do."""

    def __init__(self, work: Any) -> None:
        self.work = work
        self.events: list[str] = []
        self.gate = Gate()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.events.append("lifespan shutdown")
            await send({"type": "lifespan.shutdown.complete"})
            return
        try:
            await self.work(self, receive, send)
            self.events.append("returned")
        except asyncio.CancelledError:
            self.events.append("cancelled")
            raise


async def waits(app: Application, receive: Receive, send: Send) -> None:
    await app.gate.wait()


async def waits_within_its_answer(app: Application, receive: Receive, send: Send) -> None:
    await send(head())
    await send(part(b"begun", more=True))
    await app.gate.wait()


async def waits_behind_its_answer(app: Application, receive: Receive, send: Send) -> None:
    await answer(send)
    await app.gate.wait()


async def waits_for_the_client(app: Application, receive: Receive, send: Send) -> None:
    await read(receive)
    app.gate.announce()
    await receive()


async def waits_for_a_slow_client(app: Application, receive: Receive, send: Send) -> None:
    await send(head())
    app.gate.announce()
    await send(part(bytes(32_000_000), more=True))


async def cleans_up(app: Application, receive: Receive, send: Send) -> None:
    try:
        await app.gate.wait()
    finally:
        await asyncio.sleep(0.05)
        app.events.append("cleaned up")


@CASES("work", [waits, waits_within_its_answer, waits_for_the_client, waits_for_a_slow_client])
def test_what_is_in_flight_at_the_deadline_is_cancelled(serve: Serve, work: Any) -> None:
    app = Application(work)
    serving = serve(app, lifespan="on", timeout_graceful_shutdown=0.2)
    with serving.connect(receive_buffer_bytes=8192) as client:
        client.send(get())
        app.gate.await_reached()
        serving.stop()
    assert app.events == ["cancelled", "lifespan shutdown"]
    texts = serving.errors()
    assert "Cancel 1 running task(s), timeout graceful shutdown exceeded" in texts
    assert not any("Traceback" in text for text in texts)


def test_work_behind_the_answer_is_cancelled_without_a_word(serve: Serve) -> None:
    app = Application(waits_behind_its_answer)
    serving = serve(app, lifespan="on", timeout_graceful_shutdown=0.2)
    with serving.connect() as client:
        assert client.ask(get()).status == 200
        app.gate.await_reached()
        serving.stop()
    assert app.events == ["cancelled", "lifespan shutdown"]
    assert serving.errors() == ["Cancel 1 running task(s), timeout graceful shutdown exceeded"]


def test_work_behind_the_answer_is_waited_for(serve: Serve) -> None:
    app = Application(waits_behind_its_answer)
    serving = serve(app, lifespan="on")
    with serving.connect() as client:
        assert client.ask(get()).status == 200
        app.gate.await_reached()
        serving.server.should_exit = True
        client.expect_eof()
        assert app.events == []
        app.gate.open()
        serving.stop()
    assert app.events == ["returned", "lifespan shutdown"]


def test_cleaning_up_comes_before_the_lifespans_end(serve: Serve) -> None:
    app = Application(cleans_up)
    serving = serve(app, lifespan="on", timeout_graceful_shutdown=0.1)
    with serving.connect() as client:
        client.send(get())
        app.gate.await_reached()
        serving.stop()
    assert app.events == ["cleaned up", "cancelled", "lifespan shutdown"]
    assert len(serving.errors()) == 2


def test_an_application_that_answers_when_cancelled(serve: Serve) -> None:
    async def work(app: Application, receive: Receive, send: Send) -> None:
        try:
            await app.gate.wait()
        except asyncio.CancelledError:
            await answer(send, b"in the nick of time")

    app = Application(work)
    serving = serve(app, lifespan="on", timeout_graceful_shutdown=0.1)
    with serving.connect() as client:
        client.send(get())
        app.gate.await_reached()
        serving.server.should_exit = True
        response = client.response()
        assert (response.body, response.closes) == (b"in the nick of time", True)
        client.expect_eof()
    serving.stop()
    assert app.events == ["returned", "lifespan shutdown"]
    assert serving.errors() == ["Cancel 1 running task(s), timeout graceful shutdown exceeded"]


def test_requests_without_number_are_cancelled(serve: Serve) -> None:
    app = Application(waits)
    serving = serve(app, lifespan="on", timeout_graceful_shutdown=0.1)
    clients = [serving.connect() for _ in range(100)]
    for client in clients:
        client.send(get())
    for client in clients[:2]:
        client.reset()
    until(lambda: serving.in_flight == 100, "not all arrived")
    serving.stop()
    for client in clients:
        client.close()
    assert sorted(app.events) == ["cancelled"] * 100 + ["lifespan shutdown"]
    assert app.events[-1] == "lifespan shutdown"
    assert "Cancel 100 running task(s), timeout graceful shutdown exceeded" in serving.errors()


def test_a_body_that_arrives_during_the_shutdown(serve: Serve) -> None:
    async def work(app: Application, receive: Receive, send: Send) -> None:
        app.gate.announce()
        await answer(send, await read(receive))

    app = Application(work)
    serving = serve(app, lifespan="on")
    with serving.connect() as client:
        client.send(request("POST", "/", "Content-Length: 10") + b"hello")
        app.gate.await_reached()
        serving.server.should_exit = True
        client.expect_silence()
        client.send(b"world")
        assert client.response().body == b"helloworld"
        client.expect_eof()
    serving.stop()
    assert app.events == ["returned", "lifespan shutdown"]


def test_an_application_that_will_not_end(serve: Serve) -> None:
    """It is cancelled, after a last grace once more, and then the server ends without it."""
    release = Gate()

    async def work(app: Application, receive: Receive, send: Send) -> None:
        for gate in (app.gate, release):
            try:
                await gate.wait()
            except asyncio.CancelledError:
                app.events.append("ignored")
        await Gate().wait()

    app = Application(work)
    serving = serve(app, lifespan="on", timeout_graceful_shutdown=0.1)
    with serving.connect() as client:
        client.send(get())
        app.gate.await_reached()
        serving.server.should_exit = True
        release.await_reached()
        assert client.read_to_end() == b""
    serving.stop()
    assert app.events[:3] == ["ignored", "ignored", "lifespan shutdown"]
    assert len(serving._left) == 1
    serving._left.clear()
    serving.errors()
