"""What may be sent, in which order and from where? Messages take effect in the order of the calls of send."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import pytest

from .apps import Receive, Scope, Send, answer, head, part
from .conftest import Serve
from .serving import Gate, get, request

CASES = pytest.mark.parametrize


def test_start_and_body(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert await send(head(201, [(b"x-one", b"1"), (b"X-Two", b"2"), (b"x-one", b"3")])) is None
        assert await send(part(b"body")) is None

    response = serve(app).ask()
    assert (response.status, response.body) == (201, b"body")
    assert response.header("x-one") == [b"1", b"3"]
    assert response.header("x-two") == [b"2"]
    assert response.header("content-length") == [b"4"]


def test_keys_that_may_be_left_out(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    assert serve(app).ask().status == 204


def test_keys_that_nobody_knows(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({**head(), "trailers": False, "unknown": 1})
        await send({**part(b"ok"), "unknown": 1})

    assert serve(app).ask().body == b"ok"


def test_nothing_is_sent_before_the_first_body(serve: Serve) -> None:
    """So an application that fails behind its head still answers 500 (ASGI, "Response Start")."""
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head(200, [(b"x", b"y")]))
        await gate.wait()
        raise RuntimeError("behind the head")

    serving = serve(app)
    with serving.connect() as client:
        client.send(get())
        gate.await_reached()
        client.expect_silence()
        gate.open()
        response = client.response()
        assert (response.status, response.header("x")) == (500, [])
    assert "behind the head" in "".join(serving.errors())


def test_an_empty_first_body_sends_the_head(serve: Serve) -> None:
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        await send(part(b"", more=True))
        await gate.wait()
        await send(part(b"ok"))

    with serve(app).connect() as client:
        client.send(get())
        while b"\r\n\r\n" not in client.buffer:
            assert client.receive()
        gate.open()
        assert client.response().body == b"ok"


def test_each_part_is_sent_when_the_application_waits(serve: Serve) -> None:
    gates = [Gate() for _ in range(3)]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        for number, gate in enumerate(gates):
            await send(part(b"%d" % number, more=True))
            await gate.wait()
        await send(part())

    with serve(app).connect() as client:
        client.send(get())
        for number, gate in enumerate(gates):
            while not client.buffer.endswith(b"\r\n%d\r\n" % number):
                assert client.receive()
            gate.open()
        assert client.response().body == b"012"


def test_a_mapping_that_is_no_dict(serve: Serve) -> None:
    class Subclass(dict[str, Any]):
        pass

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(MappingProxyType(head()))  # type: ignore[arg-type]
        await send(Subclass(part(b"ok")))

    assert serve(app).ask().body == b"ok"


@CASES("kind", [bytes, bytearray, memoryview])
def test_bodies_and_headers_of_every_kind_of_bytes(serve: Serve, kind: Any) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head(200, [(kind(b"x"), kind(b"y"))]))
        await send(part(kind(b"o"), more=True))
        await send(part(kind(b"k" * 20_000), more=True))
        await send(part(kind(b"!")))

    response = serve(app).ask()
    assert (response.header("x"), response.body) == ([b"y"], b"o" + b"k" * 20_000 + b"!")


def test_a_slice_with_steps_and_wide_items(serve: Serve) -> None:
    import array

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        await send(part(memoryview(b"a-b-c-")[::2], more=True))  # type: ignore[arg-type]
        await send(part(memoryview(array.array("H", [1, 2]))))  # type: ignore[arg-type]

    assert serve(app).ask().body == b"abc" + memoryview(__import__("array").array("H", [1, 2])).tobytes()


def test_a_subclass_of_bytes_is_what_it_holds(serve: Serve) -> None:
    class Lying(bytes):
        def __bytes__(self) -> bytes:
            return b"lie"

        def __len__(self) -> int:
            return 1

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head(200, [(Lying(b"name"), Lying(b"value"))]))
        await send(part(Lying(b"body")))

    response = serve(app).ask()
    assert (response.header("name"), response.body) == ([b"value"], b"body")


@CASES("size", [5, 100_000])
@CASES("through", [bytearray, memoryview])
def test_what_is_changed_afterwards_is_sent_as_it_was(serve: Serve, size: int, through: Any) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        name, value, body = bytearray(b"x-a"), bytearray(b"1"), bytearray(b"b" * size)
        fields = [[name, value]]
        await send(head(200, fields))  # type: ignore[arg-type]
        fields.clear()
        name[:], value[:] = b"x-z", b"9"
        await send(part(through(body), more=True))
        body[:] = b"z" * size
        await send(part(through(body)))
        body[:] = b"?" * size

    response = serve(app).ask()
    assert response.header("x-a") == [b"1"]
    assert response.body == b"b" * size + b"z" * size


@CASES(
    "headers",
    [
        lambda: [(b"a", b"1"), (b"b", b"2")],
        lambda: ((b"a", b"1"), (b"b", b"2")),
        lambda: [[b"a", b"1"], [b"b", b"2"]],
        lambda: {b"a": b"1", b"b": b"2"}.items(),
        lambda: zip([b"a", b"b"], [b"1", b"2"]),  # noqa: B905
        lambda: ((name, value) for name, value in [(b"a", b"1"), (b"b", b"2")]),
    ],
    ids=["list of tuples", "tuple of tuples", "list of lists", "items", "zip", "generator"],
)
def test_headers_of_every_shape(serve: Serve, headers: Any) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head(200, headers()))
        await send(part(b"ok"))

    response = serve(app).ask()
    assert (response.header("a"), response.header("b")) == ([b"1"], [b"2"])


def test_a_generator_of_headers_that_sends_other_answers(serve: Serve) -> None:
    """It runs in the middle of send; what it sends to other requests is not mixed with this answer."""
    held: list[Send] = []
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/held":
            held.append(send)
            await gate.wait()
            return

        def fields() -> Any:
            yield b"x-mine", b"1"
            held[0](head(200, [(b"x-held", b"1")]))
            held[0](part(b"held"))
            yield b"x-mine", b"2"

        await send(head(200, fields()))
        await send(part(b"mine"))

    serving = serve(app)
    with serving.connect() as first:
        first.send(get("/held"))
        gate.await_reached()
        mine = serving.ask()
        gate.open()
        other = first.response()
    assert (mine.header("x-mine"), mine.header("x-held"), mine.body) == ([b"1", b"2"], [], b"mine")
    assert (other.header("x-mine"), other.header("x-held"), other.body) == ([], [b"1"], b"held")


def test_a_generator_of_headers_that_sends_this_answer(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        def fields() -> Any:
            yield b"x-outer", b"1"
            send(head(200, [(b"x-inner", b"1")]))
            send(part(b"inner"))

        with pytest.raises(RuntimeError):
            await send(head(200, fields()))
        with pytest.raises(RuntimeError):
            await send(part(b"outer"))

    with serve(app).connect() as client:
        for _ in range(2):
            response = client.ask(get())
            assert (response.header("x-inner"), response.header("x-outer")) == ([b"1"], [])
            assert response.body == b"inner"


def test_heads_that_wait_for_their_bodies_are_not_mixed_up(serve: Serve) -> None:
    """Many applications hold a head back at once, and send bodies in another order."""
    gates = [Gate() for _ in range(20)]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        number = scope["path"][1:]
        await send(head(200, [(b"x-number", number.encode()), (b"x-filler", b"f" * int(number) * 100)]))
        await gates[int(number)].wait()
        await answer_part(send, number)

    async def answer_part(send: Send, number: str) -> None:
        await send(part(number.encode()))

    serving = serve(app)
    clients = [serving.connect() for _ in gates]
    for number, client in enumerate(clients):
        client.send(get(f"/{number}"))
        gates[number].await_reached()
    for number in (*range(1, 20, 3), *range(0, 20, 3), *range(2, 20, 3)):
        gates[number].open()
        response = clients[number].response()
        assert response.body == response.header("x-number")[0] == str(number).encode()
        assert len(response.header("x-filler")[0]) == number * 100
    for client in clients:
        client.close()


def test_a_huge_list_of_headers(serve: Serve) -> None:
    fields = [(b"x-%d" % number, b"v" * 100) for number in range(20_000)]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"ok", headers=fields)

    with serve(app).connect() as client:
        for _ in range(2):
            response = client.ask(get())
            assert [pair for pair in response.headers if pair[0].startswith(b"x-")] == fields
            assert response.body == b"ok"


def test_status_of_any_integer_kind(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(send, b"", HTTPStatus.IM_A_TEAPOT)

    assert serve(app).ask().status == 418


def test_early_hints(serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert "http.response.early_hint" in scope["extensions"]
        await send({"type": "http.response.early_hint", "links": [b"</a>; rel=preload", b"</b>"]})
        await send({"type": "http.response.early_hint", "links": iter([b"</c>"])})
        await answer(send, b"final", headers=[(b"x", b"y")])

    with serve(app).connect() as client:
        client.send(get())
        first, second, last = client.response(), client.response(), client.response()
        assert [first.status, second.status, last.status] == [103, 103, 200]
        assert first.header("link") == [b"</a>; rel=preload", b"</b>"]
        assert second.headers == [(b"link", b"</c>")]
        assert (last.header("link"), last.body) == ([], b"final")
        client.send(b"GET / HTTP/1.0\r\n\r\n")  # which knows no 1xx
        assert client.response().status == 200


async def by_task(send: Send) -> None:
    task = asyncio.create_task(send(part(b"2", more=True)))  # type: ignore[arg-type]
    assert await task is None


async def by_shield(send: Send) -> None:
    await asyncio.shield(send(part(b"2", more=True)))


async def by_wait_for(send: Send) -> None:
    await asyncio.wait_for(send(part(b"2", more=True)), 5)


async def by_gather(send: Send) -> None:
    assert await asyncio.gather(*(send(part(data, more=True)) for data in (b"2", b"", b""))) == [None] * 3


async def by_child(send: Send) -> None:
    async def child() -> None:
        await send(part(b"2", more=True))

    await asyncio.create_task(child())


async def by_thread(send: Send) -> None:
    loop = asyncio.get_running_loop()

    async def child() -> None:
        await send(part(b"2", more=True))

    def work() -> None:
        asyncio.run_coroutine_threadsafe(child(), loop).result(5)

    await loop.run_in_executor(None, work)


async def by_hand(send: Send) -> None:
    """As a coroutine is stepped: the result is in StopIteration."""
    awaitable: Any = send(part(b"2", more=True))
    with pytest.raises(StopIteration) as stop:
        awaitable.send(None)
    assert stop.value.value is None


@CASES("way", [by_task, by_shield, by_wait_for, by_gather, by_child, by_thread, by_hand])
def test_from_wherever_it_is_called(serve: Serve, way: Any) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        await send(part(b"1", more=True))
        await way(send)
        await send(part(b"3"))

    assert serve(app).ask().body == b"123"


def test_concurrent_sends_are_in_the_order_of_their_calls(serve: Serve) -> None:
    """Also while the client is slow and every one of them waits."""
    pieces = [bytes([number]) * 50_000 for number in range(100)]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())

        async def one(piece: bytes) -> None:
            await send(part(piece, more=True))

        await asyncio.gather(*(one(piece) for piece in pieces))
        await send(part())

    with serve(app).connect(receive_buffer_bytes=8192) as client:
        client.send(get())
        assert client.response().body == b"".join(pieces)


def test_backpressure_a_client_that_does_not_read_stops_send(serve: Serve) -> None:
    sent: list[int] = []
    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        for number in range(1000):
            pending = asyncio.ensure_future(send(part(bytes(65536), more=True)))
            done, _ = await asyncio.wait({pending}, timeout=0.2)
            if not done:
                gate.announce()
            await pending
            sent.append(number)
        await send(part())

    with serve(app).connect(receive_buffer_bytes=8192) as client:
        client.send(get())
        gate.await_reached()
        assert len(sent) < 500
        gate.open()
        assert len(client.response().body) == 1000 * 65536


@CASES("size", [0, 1, 1000, 200_000])
@CASES("method", ["GET", "HEAD"])
def test_an_application_that_only_sends(serve: Serve, method: str, size: int) -> None:
    """It waits for nobody, and its client keeps up: others are served, and the client's end is noticed."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/other":
            await answer(send, b"served")
            return
        await send(head())
        while True:
            await send(part(bytes(size), more=True))

    serving = serve(app)
    with serving.connect() as client:
        client.send(request(method, "/"))
        assert client.receive()
        assert serving.ask(get("/other")).body == b"served"
        for _ in range(20):
            if size and method == "GET":
                assert client.receive()
        client.reset()
    serving.await_idle()
    assert serving.ask(get("/other")).body == b"served"


def test_a_send_that_is_cancelled_has_taken_effect(serve: Serve) -> None:
    """What waits in a cancelled send() is only the wait for a slow client: the message is sent, once."""
    size = 32_000_000

    gate = Gate()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(head())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(send(part(b"a" * size, more=True)), 0.05)
        gate.announce()
        await send(part(b"b"))

    with serve(app).connect(receive_buffer_bytes=8192) as client:
        client.send(get())
        gate.open()
        assert client.response().body == b"a" * size + b"b"


def test_next_request_while_a_child_still_sends(serve: Serve) -> None:
    """What a task sends behind the end of its own request is refused, and is not in the next answer."""
    refused: list[str] = []
    gate = Gate()

    async def late(send: Send) -> None:
        await gate.wait()
        for message in (part(b"late", more=True), head(), part(b"late")):
            try:
                await send(message)
            except RuntimeError as error:
                refused.append(str(error))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/first":
            app.task = asyncio.ensure_future(late(send))  # type: ignore[attr-defined]
            await answer(send, b"first")
        else:
            await send(head())
            await send(part(b"sec", more=True))
            gate._event.set()
            await app.task  # type: ignore[attr-defined]
            await send(part(b"ond"))

    with serve(app).connect() as client:
        assert client.ask(get("/first")).body == b"first"
        gate.await_reached()
        assert client.ask(request("GET", "/second")).body == b"second"
    assert len(refused) == 3
    assert all("after response already completed" in text for text in refused)
