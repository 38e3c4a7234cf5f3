"""What does receive() give, and when? One that is cancelled loses nothing, wherever it is cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from .apps import Message, Receive, Scope, Send, answer, head, part, read
from .conftest import Serve
from .serving import Gate, get, request

CASES = pytest.mark.parametrize
SHORT_S = 0.02


def post(body: bytes = b"hello") -> bytes:
    return request("POST", "/", body=body)


def unfinished(body: bytes, length: int) -> bytes:
    return request("POST", "/", f"Content-Length: {length}") + body


async def cancelled(awaitable: Any) -> None:
    """Await it in a task that is cancelled as soon as it waits."""
    task = asyncio.ensure_future(awaitable)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_request_without_a_body(serve: Serve) -> None:
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await receive())
        await answer(send)

    assert serve(app).ask().status == 200
    assert seen == [{"type": "http.request", "body": b"", "more_body": False}]
    assert type(seen[0]["body"]) is bytes and type(seen[0]["more_body"]) is bool


def test_body_in_one_piece(serve: Serve) -> None:
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(await receive())
        await answer(send)

    assert serve(app).ask(post(), "POST").status == 200
    assert seen == [{"type": "http.request", "body": b"hello", "more_body": False}]


def test_body_in_pieces_as_they_arrive(serve: Serve) -> None:
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while not seen or seen[-1]["more_body"]:
            seen.append(await receive())
            await send({"type": "http.response.early_hint", "links": [seen[-1]["body"]]})
        await answer(send)

    with serve(app).connect() as client:
        client.send(unfinished(b"ab", 5))
        assert client.response().header("link") == [b"ab"]
        client.send(b"cd")
        assert client.response().header("link") == [b"cd"]
        client.send(b"e")
        assert client.response().header("link") == [b"e"]
        assert client.response().status == 200
    assert [message["more_body"] for message in seen] == [True, True, False]


def test_pieces_that_waited_come_as_one(serve: Serve) -> None:
    gate = Gate()
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "GET":
            await answer(send)
            return
        await gate.wait()
        while not seen or seen[-1]["more_body"]:
            seen.append(await receive())
        await answer(send)

    serving = serve(app)
    with serving.connect() as client:
        client.send(unfinished(b"ab", 6))
        gate.await_reached()
        for piece in (b"cd", b"ef"):
            client.send(piece)
            serving.ask(get())  # what was sent before has been read by the time this is answered
        gate.open()
        assert client.response().status == 200
    assert seen == [{"type": "http.request", "body": b"abcdef", "more_body": False}]


@CASES("body", [b"", b"x", b"x" * 70_000, bytes(range(256)) * 4096])
def test_chunked_body(serve: Serve, body: bytes) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, await read(receive))

    pieces = [body[i : i + 10_000] for i in range(0, len(body), 10_000)]
    coded = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    with serve(app).connect() as client:
        client.send(request("POST", "/", "Transfer-Encoding: chunked"))
        client.send(coded)
        assert client.response().body == body


def test_behind_the_body_it_waits_for_the_answer(serve: Serve) -> None:
    """The next message is http.disconnect, when the answer is complete."""
    order: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        waiting = asyncio.ensure_future(receive())
        waiting.add_done_callback(lambda task: order.append(task.result()))
        await send(head())
        await send(part(b"o", more=True))
        await asyncio.sleep(SHORT_S)
        order.append("answered")
        await send(part(b"k"))
        await waiting
        order.append(await receive())

    serving = serve(app)
    assert serving.ask(post(), "POST").body == b"ok"
    serving.await_idle()
    assert order == ["answered", {"type": "http.disconnect"}, {"type": "http.disconnect"}]


def test_behind_the_answer_it_is_http_disconnect(serve: Serve) -> None:
    """Even if there is a body that nobody has read (ASGI: receive() after the response)."""
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send)
        seen.append(await receive())

    serving = serve(app)
    assert serving.ask(post(), "POST").status == 200
    serving.await_idle()
    assert seen == [{"type": "http.disconnect"}]


def test_behind_the_body_it_waits_for_the_clients_end(serve: Serve) -> None:
    seen: list[Message] = []
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        gate.announce()
        seen.append(await receive())
        seen.append(await receive())

    serving = serve(app)
    with serving.connect() as client:
        client.send(post())
        gate.await_reached()
        assert seen == []
        client.reset()
    serving.await_idle()
    gate.open()
    assert seen == [{"type": "http.disconnect"}] * 2


def test_clients_end_within_the_body(serve: Serve) -> None:
    seen: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while not seen or seen[-1]["type"] == "http.request":
            seen.append(await receive())

    serving = serve(app)
    with serving.connect() as client:
        client.send(unfinished(b"hel", 5))
        client.shutdown_write()
        client.expect_eof()
    serving.await_idle()
    assert seen[-1] == {"type": "http.disconnect"}
    assert b"hel".startswith(b"".join(message["body"] for message in seen[:-1]))
    assert all(message["more_body"] for message in seen[:-1])


async def by_wait_for(receive: Receive) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(receive(), SHORT_S)


async def by_wait_for_zero(receive: Receive) -> None:
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(receive(), 0)


async def by_cancel(receive: Receive) -> None:
    await cancelled(receive())


async def before_it_ran(receive: Receive) -> None:
    task = asyncio.ensure_future(receive())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def by_wait(receive: Receive) -> None:
    task = asyncio.ensure_future(receive())
    done, pending = await asyncio.wait({task}, timeout=SHORT_S)
    assert (done, pending) == (set(), {task})
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def never_awaited(receive: Receive) -> None:
    receive()


async def closed(receive: Receive) -> None:
    waiting = receive().__await__()
    next(waiting)
    waiting.close()


async def dropped(receive: Receive) -> None:
    next(receive().__await__())


@CASES("times", [1, 3])
@CASES(
    "give_up",
    [by_wait_for, by_wait_for_zero, by_cancel, before_it_ran, by_wait, never_awaited, closed, dropped],
)
def test_a_receive_that_is_given_up_loses_nothing(serve: Serve, give_up: Any, times: int) -> None:
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(times):
            await give_up(receive)
        gate.announce()
        await answer(send, await read(receive))

    with serve(app).connect() as client:
        client.send(unfinished(b"", 5))
        gate.open()
        client.send(b"hello")
        assert client.response().body == b"hello"


def test_cancelled_at_the_moment_the_body_arrives(serve: Serve) -> None:
    """Its future is done, and it has not run on yet: the classic way to lose what arrived."""
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        task: Any = asyncio.ensure_future(receive())
        gate.announce()

        def look() -> None:
            if task._fut_waiter is not None and task._fut_waiter.done():
                task.cancel()
            else:
                asyncio.get_running_loop().call_soon(look)

        look()
        with pytest.raises(asyncio.CancelledError):
            await task
        await answer(send, await read(receive))

    with serve(app).connect() as client:
        client.send(unfinished(b"", 5))
        gate.open()
        client.send(b"hello")
        assert client.response().body == b"hello"


def test_many_that_timed_out_are_forgotten(serve: Serve) -> None:
    """An application may ask `is the client gone?` for hours (Starlette's is_disconnected)."""
    import gc

    counts: list[int] = []

    def futures() -> int:
        gc.collect()
        return sum(isinstance(thing, asyncio.Future) for thing in gc.get_objects())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        for _ in range(3):
            for _ in range(100):
                await cancelled(receive())
            counts.append(futures())
        await answer(send)

    assert serve(app).ask().status == 200
    assert counts[2] - counts[0] < 10, counts


def test_task_wait_and_gather(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.create_task(receive())  # type: ignore[arg-type]
        assert "receive" in repr(task).lower()
        done, _ = await asyncio.wait({task})
        first = done.pop().result()
        waiting = asyncio.gather(receive(), asyncio.sleep(0, "slept"))
        await answer(send, first["body"])
        assert await waiting == [{"type": "http.disconnect"}, "slept"]

    serving = serve(app)
    assert serving.ask(post(), "POST").body == b"hello"
    serving.await_idle()


def test_shield(serve: Serve) -> None:
    """The receive behind the shield takes the message, as with any coroutine."""
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        inner = asyncio.ensure_future(receive())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(inner), SHORT_S)
        gate.announce()
        await answer(send, (await inner)["body"])

    with serve(app).connect() as client:
        client.send(unfinished(b"", 5))
        gate.open()
        client.send(b"hello")
        assert client.response().body == b"hello"


def test_two_at_once_take_one_message_each(serve: Serve) -> None:
    gate, taken = Gate(), Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        first = asyncio.ensure_future(receive())
        first.add_done_callback(lambda task: taken.announce())
        both = asyncio.gather(first, receive())
        gate.announce()
        messages = await both
        bodies = [message["body"] for message in messages]
        assert [message["more_body"] for message in messages] == [True, False]
        await answer(send, b"|".join(bodies))

    with serve(app).connect() as client:
        client.send(unfinished(b"", 5))
        gate.open()
        client.send(b"hel")
        taken.await_reached()
        client.send(b"lo")
        assert client.response().body == b"hel|lo"


def test_others_wait_on_when_the_first_is_given_up(serve: Serve) -> None:
    gate, taken = Gate(), Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        first, second = asyncio.ensure_future(receive()), asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        first.cancel()
        second.add_done_callback(lambda task: taken.announce())
        both = asyncio.gather(second, receive())
        gate.announce()
        await answer(send, b"|".join([message["body"] for message in await both]))

    with serve(app).connect() as client:
        client.send(unfinished(b"", 5))
        gate.open()
        client.send(b"hel")
        taken.await_reached()
        client.send(b"lo")
        assert client.response().body == b"hel|lo"


def test_all_that_wait_hear_of_the_end(serve: Serve) -> None:
    gate = Gate()
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read(receive)
        gate.announce()
        seen.extend(await asyncio.gather(*(receive() for _ in range(5))))

    serving = serve(app)
    with serving.connect() as client:
        client.send(post())
        gate.await_reached()
        client.reset()
    gate.open()
    serving.await_idle()
    assert seen == [{"type": "http.disconnect"}] * 5


def test_from_a_child_task_that_outlives_the_application(serve: Serve) -> None:
    """The application fails without an answer; whoever still waits for a message hears that it is over."""
    seen: list[Any] = []

    async def child(receive: Receive) -> None:
        seen.append(await read(receive))
        seen.append(await receive())

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        app.task = asyncio.ensure_future(child(receive))  # type: ignore[attr-defined]
        await asyncio.sleep(SHORT_S)
        raise RuntimeError("the application fails")

    serving = serve(app)
    assert serving.ask(post(), "POST").status == 500
    serving.run(asyncio.wait_for(_wait_for(app), 5))
    assert seen == [b"hello", {"type": "http.disconnect"}]
    assert "the application fails" in "".join(serving.errors())


async def _wait_for(app: Any) -> None:
    await app.task


def test_backpressure_an_application_that_does_not_read_stops_the_client(serve: Serve) -> None:
    gate = Gate()
    size = 32 * 1024 * 1024

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await gate.wait()
        rest = await read(receive)
        await answer(send, str(len(rest)))

    with serve(app, read_buffer_bytes_max=65536).connect(send_buffer_bytes=65536) as client:
        client.send(unfinished(b"x", 1 + size))
        gate.await_reached()
        sent = client.send_until_blocked(bytes(size))
        assert sent < size // 2
        gate.open()
        client.send(bytes(size - sent))
        assert client.response().body == b"%d" % size


def test_an_application_that_asks_on_behind_the_end(serve: Serve) -> None:
    """It does not know http.disconnect, and asks for ever: others are served, and it can be cancelled."""
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/other":
            await answer(send, b"served")
            return
        gate.announce()
        while True:
            await receive()

    serving = serve(app, timeout_graceful_shutdown=0.1)
    with serving.connect() as client:
        client.send(get())
        gate.await_reached()
        client.reset()
    for _ in range(3):
        assert serving.ask(get("/other")).body == b"served"
    serving.stop()
    assert serving.errors() == ["Cancel 1 running task(s), timeout graceful shutdown exceeded"]
