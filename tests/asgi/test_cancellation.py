"""Does whatever cancels a task work in an application: its own hand, asyncio's helpers, anyio's?"""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import anyio
import anyio.to_thread
import pytest

from .apps import Receive, Scope, Send, answer, head, part, read
from .conftest import Serve
from .serving import Gate, Serving, get, request

CASES = pytest.mark.parametrize
SHORT_S = 0.02
NEEDS_3_11 = pytest.mark.skipif(sys.version_info < (3, 11), reason="came with 3.11")


def answering(serve: Serve, work: Any) -> Serving:
    """Serves an application whose answer is what `work(receive, send)` returns."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, await work(receive, send))

    return serve(app)


def body_of(serve: Serve, work: Any, data: bytes | None = None) -> bytes:
    serving = answering(serve, work)
    response = serving.ask(data, "POST" if data else "GET")
    assert response.status == 200, serving.errors()
    return response.body


@CASES("steps", [0, 1])
def test_of_itself(serve: Serve, steps: int) -> None:
    async def work(receive: Receive, send: Send) -> str:
        for _ in range(steps):
            await asyncio.sleep(0)
        task: Any = asyncio.current_task()
        task.cancel()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            if sys.version_info >= (3, 11):
                assert task.cancelling() == 1
                assert task.uncancel() == 0
            await asyncio.sleep(0)
            return "cancelled once"
        return "not cancelled"

    assert body_of(serve, work) == b"cancelled once"


def test_that_leaves_the_application_is_503(serve: Serve) -> None:
    async def work(receive: Receive, send: Send) -> str:
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await asyncio.sleep(10)
        return ""

    serving = answering(serve, work)
    assert serving.ask(get("/route")).status == 503
    (text,) = serving.errors()
    assert text == "ASGI application was cancelled before its answer was complete (GET /route)"


def test_that_is_raised_by_hand(serve: Serve) -> None:
    async def work(receive: Receive, send: Send) -> str:
        raise asyncio.CancelledError("by hand")

    serving = answering(serve, work)
    assert serving.ask().status == 503
    assert len(serving.errors()) == 1


def test_within_the_answer_cuts_the_connection(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head(200, [(b"content-length", b"10")]))
        await send(part(b"hello", more=True))
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await asyncio.sleep(10)

    serving = serve(app)
    with serving.connect() as client:
        client.send(get() * 2)
        assert client.read_to_end().endswith(b"\r\n\r\nhello")
    assert len(serving.errors()) == 1


def test_behind_the_answer_is_nobodys_business(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send)
        asyncio.current_task().cancel()  # type: ignore[union-attr]
        await asyncio.sleep(10)

    serving = serve(app)
    with serving.connect() as client:
        assert [client.ask(get()).status for _ in range(3)] == [200] * 3
    serving.await_idle()


def test_from_another_request(serve: Serve) -> None:
    gate = Gate()
    tasks: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/cancel":
            tasks[0].cancel()
            await answer(send)
            return
        tasks.append(asyncio.current_task())
        try:
            await gate.wait()
        except asyncio.CancelledError:
            await answer(send, b"cancelled")

    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        gate.await_reached()
        assert serving.ask(get("/cancel")).status == 200
        assert client.response().body == b"cancelled"


@CASES("where", ["receive", "send", "sleep"])
def test_reaches_whatever_the_application_waits_for(serve: Serve, where: str) -> None:
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        await send(head())
        loop = asyncio.get_running_loop()
        loop.call_later(SHORT_S, asyncio.current_task().cancel)  # type: ignore[union-attr]
        waits: dict[str, Any] = {
            "receive": receive,
            "send": lambda: send(part(bytes(32_000_000), more=True)),
            "sleep": lambda: asyncio.sleep(10),
        }
        with pytest.raises(asyncio.CancelledError):
            await waits[where]()
        gate.announce()
        await send(part(b"end"))

    with serve(app).connect(receive_buffer_bytes=8192) as client:
        client.send(get())
        gate.await_reached()
        assert client.response().body.endswith(b"end")


@NEEDS_3_11
def test_asyncio_timeout(serve: Serve) -> None:
    async def work(receive: Receive, send: Send) -> str:
        events = []
        for wait in (lambda: asyncio.sleep(10), receive, lambda: asyncio.Event().wait()):
            try:
                async with asyncio.timeout(SHORT_S):  # type: ignore[attr-defined]
                    await wait()
            except TimeoutError:
                events.append("timeout")
        async with asyncio.timeout(10):  # type: ignore[attr-defined]
            events.append((await read(receive)).decode())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):  # type: ignore[attr-defined]
                await asyncio.sleep(10)
        return " ".join(events)

    serving = answering(serve, work)
    with serving.connect() as client:
        client.send(request("POST", "/", "Content-Length: 4"))
        client.expect_silence(5 * SHORT_S)
        client.send(b"body")
        assert client.response().body == b"timeout timeout timeout body"


@NEEDS_3_11
def test_asyncio_task_group(serve: Serve) -> None:
    async def work(receive: Receive, send: Send) -> str:
        done = []

        async def child(number: int) -> None:
            await asyncio.sleep(0)
            if number == 3:
                raise KeyError("a child failed")
            try:
                await asyncio.sleep(10 if number > 3 else 0)
            except asyncio.CancelledError:
                done.append(f"{number} cancelled")
                raise

        try:
            async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined]
                for number in range(6):
                    group.create_task(child(number))
        except Exception as error:  # an ExceptionGroup, a name that 3.10 does not know
            done.append(repr(error.exceptions))  # type: ignore[attr-defined]
        if sys.version_info >= (3, 13):  # a task group of before leaves its own request to cancel behind
            assert asyncio.current_task().cancelling() == 0  # type: ignore[union-attr]
        return ", ".join(sorted(done))

    assert body_of(serve, work) == b"(KeyError('a child failed'),), 4 cancelled, 5 cancelled"


def test_wait_for_of_a_coroutine(serve: Serve) -> None:
    async def work(receive: Receive, send: Send) -> str:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.sleep(10), SHORT_S)
        return await asyncio.wait_for(asyncio.sleep(0, "slept"), 10)

    assert body_of(serve, work) == b"slept"


@CASES("steps", [0, 1])
def test_anyio_move_on_after(serve: Serve, steps: int) -> None:
    async def work(receive: Receive, send: Send) -> str:
        for _ in range(steps):
            await asyncio.sleep(0)
        with anyio.move_on_after(SHORT_S) as scope:
            await anyio.sleep(10)
        with anyio.move_on_after(SHORT_S) as second:
            while True:
                await receive()
        with anyio.move_on_after(0) as third:
            await anyio.sleep(10)
        assert (scope.cancelled_caught, second.cancelled_caught, third.cancelled_caught) == (True,) * 3
        await anyio.sleep(0)
        return "moved on"

    assert body_of(serve, work) == b"moved on"


def test_anyio_fail_after(serve: Serve) -> None:
    async def work(receive: Receive, send: Send) -> str:
        with pytest.raises(TimeoutError):
            with anyio.fail_after(SHORT_S):
                await anyio.sleep(10)
        return "failed"

    assert body_of(serve, work) == b"failed"


@CASES("steps", [0, 1])
def test_anyio_task_group(serve: Serve, steps: int) -> None:
    async def work(receive: Receive, send: Send) -> str:
        events: list[str] = []

        async def child(number: int) -> None:
            try:
                await anyio.sleep(number)
                events.append(f"{number} done")
            except asyncio.CancelledError:
                events.append(f"{number} cancelled")
                raise

        for _ in range(steps):
            await asyncio.sleep(0)
        async with anyio.create_task_group() as group:
            group.start_soon(child, 0)
            group.start_soon(child, 10)
            await anyio.sleep(SHORT_S)
            group.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.sleep(SHORT_S)
                events.append("shielded")
            await anyio.sleep(10)
            events.append("not reached")
        await anyio.sleep(0)
        return ", ".join(events)

    assert body_of(serve, work) == b"0 done, 10 cancelled, shielded"


def test_anyio_task_group_that_receives_and_sends(serve: Serve) -> None:
    """As Starlette does: one task sends, the other waits for the client's end; the end of one ends both."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)

        async def listen() -> None:
            await receive()
            raise AssertionError("the client has not gone")

        async def stream() -> None:
            await send(head())
            for _ in range(3):
                await send(part(b"x", more=True))
                await anyio.sleep(0)
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            await stream()
        await send(part(b"end"))

    assert serve(app).ask().body == b"xxxend"


def test_anyio_start_soon_takes_receive_and_send_themselves(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        async with anyio.create_task_group() as group:
            group.start_soon(receive)  # type: ignore[arg-type]
            group.start_soon(send, part(b"child", more=True))  # type: ignore[arg-type]
        await send(part())

    assert serve(app).ask().body == b"child"


def test_anyio_threads(serve: Serve) -> None:
    async def work(receive: Receive, send: Send) -> str:
        loop_thread = threading.get_ident()
        assert await anyio.to_thread.run_sync(threading.get_ident) != loop_thread

        def call_back() -> int:
            return anyio.from_thread.run_sync(threading.get_ident)

        assert await anyio.to_thread.run_sync(call_back) == loop_thread
        return "threads"

    assert body_of(serve, work) == b"threads"


def test_sniffio(serve: Serve) -> None:
    sniffio = pytest.importorskip("sniffio")

    async def work(receive: Receive, send: Send) -> str:
        first: str = sniffio.current_async_library()
        await asyncio.sleep(0)
        return first + " " + sniffio.current_async_library()

    assert body_of(serve, work) == b"asyncio asyncio"


def test_an_application_that_will_not_be_cancelled(serve: Serve) -> None:
    async def work(receive: Receive, send: Send) -> str:
        task: Any = asyncio.current_task()
        caught = 0
        for _ in range(5):
            task.cancel()
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                caught += 1
        return str(caught)

    assert body_of(serve, work) == b"5"


def test_the_receive_that_was_cancelled_is_not_the_last(serve: Serve) -> None:
    """asyncio.wait over receive() and something else, again and again: the loop of many an SSE endpoint."""

    async def work(receive: Receive, send: Send) -> bytes:
        body = b""
        ticks = 0
        waiting: Any = None
        while True:
            waiting = waiting or asyncio.ensure_future(receive())
            tick = asyncio.ensure_future(asyncio.sleep(0.001))
            done, _ = await asyncio.wait({waiting, tick}, return_when=asyncio.FIRST_COMPLETED)
            ticks += tick in done
            tick.cancel()
            if waiting in done:
                body += waiting.result()["body"]
                if not waiting.result()["more_body"]:
                    break
                waiting = None
            elif ticks % 3 == 0:
                waiting.cancel()
                waiting = None
        return body

    serving = answering(serve, work)
    expected = bytes(range(256)) * 4
    with serving.connect() as client:
        client.send(request("POST", "/", f"Content-Length: {len(expected)}"))
        for start in range(0, len(expected), 64):
            client.expect_silence(0.003)
            client.send(expected[start : start + 64])
        assert client.response().body == expected
