"""What does an application hear of a client that goes? (ASGI HTTP specification, "Disconnected Client")

Its receive() gives http.disconnect, its send() raises an OSError, and that error, however it leaves the
application, is a 499 in the access log and nothing in the error log.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from typing import Any

import pytest

from .apps import Receive, Scope, Send, head, part, read
from .conftest import Serve
from .serving import Gate, Serving, get, request, until

CASES = pytest.mark.parametrize
NEEDS_GROUPS = pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with 3.11")


async def until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def leave(serving: Serving, gate: Gate, data: bytes | None = None) -> None:
    """A client that goes as soon as the application is at the gate."""
    with serving.connect() as client:
        client.send(get() if data is None else data)
        gate.await_reached()
        client.reset()
    serving.await_idle()


@CASES("begun", [False, True], ids=["before the answer", "within the answer"])
def test_send_raises_an_oserror(serve: Serve, begun: bool) -> None:
    errors: list[Any] = []
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send(head())
            await send(part(b"x", more=True))
        gate.announce()
        await until_gone(receive)
        for message in (part(b"y", more=True), head(), {"type": "http.response.early_hint", "links": []}):
            try:
                await send(message)
            except OSError as error:
                errors.append(error)

    leave(serve(app), gate)
    assert [str(error) for error in errors] == ["the client disconnected"] * 3
    assert all(type(error) is not OSError for error in errors)


def test_a_send_that_waits_is_released(serve: Serve) -> None:
    errors: list[str] = []
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())

        async def one() -> None:
            try:
                await send(part(bytes(32_000_000), more=True))
            except OSError as error:
                errors.append(str(error))

        waiting = [asyncio.ensure_future(one()) for _ in range(3)]
        done, _ = await asyncio.wait(waiting, timeout=0.1)
        assert not done
        gate.announce()
        await asyncio.wait(waiting)

    leave(serve(app), gate)
    assert errors == ["the client disconnected"] * 3


class Custom(Exception):
    pass


async def unchanged(send: Send) -> None:
    await send(part(b"y", more=True))


async def from_it(send: Send) -> None:
    try:
        await send(part(b"y", more=True))
    except OSError as error:
        raise Custom("from") from error


async def within_it(send: Send) -> None:
    try:
        await send(part(b"y", more=True))
    except OSError:
        raise Custom("within")  # noqa: B904


async def twice_removed(send: Send) -> None:
    try:
        await within_it(send)
    except Custom as error:
        raise KeyError("again") from error


async def in_a_finally(send: Send) -> None:
    try:
        raise Custom("of the application's own, before the client's end was noticed")
    finally:
        await send(part())


async def in_a_group(send: Send) -> None:
    async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
        for _ in range(3):
            group.create_task(unchanged(send))


async def in_groups_of_groups(send: Send) -> None:
    async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
        group.create_task(in_a_group(send))
        group.create_task(from_it(send))


async def of_starlette(send: Send) -> None:
    from starlette.requests import ClientDisconnect

    try:
        await send(part(b"y", more=True))
    except OSError:
        raise ClientDisconnect()  # noqa: B904


@CASES("begun", [False, True], ids=["before the answer", "within the answer"])
@CASES(
    "way",
    [
        unchanged,
        from_it,
        within_it,
        twice_removed,
        in_a_finally,
        pytest.param(in_a_group, marks=NEEDS_GROUPS),
        pytest.param(in_groups_of_groups, marks=NEEDS_GROUPS),
        of_starlette,
    ],
)
def test_499_and_no_traceback(serve: Serve, way: Any, begun: bool, capfd: pytest.CaptureFixture[str]) -> None:
    gate = Gate()
    ended: list[bool] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        if begun:
            await send(part(b"x", more=True))
        gate.announce()
        await until_gone(receive)
        ended.append(True)
        await way(send)

    serving = serve(app, access_log=True)
    leave(serving, gate, get("/gone"))
    serving.stop()
    assert ended == [True]
    out = capfd.readouterr().out
    assert out.endswith('"GET /gone HTTP/1.1" 499 Client Closed Request\n')
    assert out.count("\n") == 1


def test_499_for_an_application_that_just_returns(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        gate.announce()
        await until_gone(receive)

    serving = serve(app, access_log=True)
    leave(serving, gate, request("POST", "/gone", "Content-Length: 5") + b"he")
    serving.stop()
    assert capfd.readouterr().out.endswith('"POST /gone HTTP/1.1" 499 Client Closed Request\n')


def test_an_error_of_the_applications_own_is_still_told(serve: Serve) -> None:
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        gate.announce()
        await until_gone(receive)
        raise Custom("a mistake in the cleaning up")

    serving = serve(app)
    leave(serving, gate)
    (text,) = serving.errors()
    assert "Custom: a mistake in the cleaning up" in text


@NEEDS_GROUPS
def test_an_error_beside_a_disconnect_is_still_told(serve: Serve) -> None:
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def mistake() -> None:
            try:
                await asyncio.sleep(10)
            finally:
                raise Custom("a mistake")

        gate.announce()
        await until_gone(receive)
        async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
            group.create_task(mistake())
            await asyncio.sleep(0)
            group.create_task(unchanged(send))

    serving = serve(app)
    leave(serving, gate)
    (text,) = serving.errors()
    assert "Custom: a mistake" in text


def test_an_oserror_that_has_nothing_to_do_with_the_client(serve: Serve) -> None:
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        gate.announce()
        await until_gone(receive)
        raise ConnectionResetError("the database went")

    serving = serve(app)
    leave(serving, gate)
    (text,) = serving.errors()
    assert "the database went" in text


def test_another_requests_disconnect_is_an_error_like_any_other(serve: Serve) -> None:
    """The error of one client's end, raised into the request of another, who still waits for an answer."""
    gate = Gate()
    gone: list[Send] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/gone":
            gone.append(send)
            gate.announce()
            await until_gone(receive)
        else:
            await gone[0](part(b"x"))

    serving = serve(app)
    leave(serving, gate, get("/gone"))
    assert serving.ask(get("/stays")).status == 500
    (text,) = serving.errors()
    assert "the client disconnected" in text


def test_half_closed_client_gets_its_answer(serve: Serve) -> None:
    """One that has only shut its side down waits for an answer: it has not gone."""
    gate = Gate()
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        waiting = asyncio.ensure_future(receive())
        await gate.wait()
        seen.append(waiting.done())
        await send(head())
        await send(part(b"ok"))
        seen.append(await waiting)

    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        client.shutdown_write()
        gate.open()
        assert client.response().body == b"ok"
        client.expect_eof()
    serving.await_idle()
    assert seen == [False, {"type": "http.disconnect"}]


def test_half_closed_client_is_gone_after_a_while(serve: Serve) -> None:
    gate = Gate()
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        gate.announce()
        seen.append(await receive())
        await send(head())
        await send(part(b"still here"))

    serving = serve(app, half_close_timeout_s=0.2)
    with serving.connect() as client:
        client.send(get())
        gate.await_reached()
        client.shutdown_write()
        assert client.response().body == b"still here"
    assert seen == [{"type": "http.disconnect"}]


def test_many_clients_that_go(serve: Serve) -> None:
    """Each application hears of the end of its own client, and of no other."""
    heard: list[str] = []
    gate = Gate()
    waiting: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        waiting.append(scope["path"])
        gate.announce()
        await until_gone(receive)
        heard.append(scope["path"])

    serving = serve(app)
    clients = {f"/{number}": serving.connect() for number in range(30)}
    for path, client in clients.items():
        client.send(get(path))
    until(lambda: len(waiting) == 30, "not all requests have arrived")
    for number, (path, client) in enumerate(clients.items()):
        client.reset()
        until(lambda path=path: path in heard, f"{path} has not heard of the end")
        assert len(heard) == number + 1
    assert sorted(heard) == sorted(clients)


def test_a_client_that_is_gone_before_the_loop_knows(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """What is sent meanwhile is dropped without a word; asyncio would write a line for each piece."""
    reached, left = threading.Event(), threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        reached.set()
        assert left.wait(10)  # blocks the event loop
        with contextlib.suppress(OSError):
            for _ in range(200):
                await send(part(bytes(100_000), more=True))

    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        assert reached.wait(10)
        client.reset()
        left.set()
    serving.await_idle()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
