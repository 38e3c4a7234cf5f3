"""Are the answers right, or does the connection end cleanly, whatever the network does?"""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgi.apps import Receive, Scope, Send, answer, head, part, read
from asgi.conftest import Serve
from asgi.serving import Serving, request, until
from wire.client import Client

from .proxy import Proxy, Weather, mild, storm

CASES = pytest.mark.parametrize
TIMEOUT_S = 20.0

CONNECTIONS = 15
BODIES = [0, 1, 100, 5000, 70_000]
SIZES = [0, 10, 3000, 20_000, 150_000]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was told, in the size and the manner that the path says."""
    _, manner, size = scope["path"].split("/")
    try:
        body = await read(receive)
    except ConnectionError:
        return
    content = (body + b"0123456789" * (int(size) // 10 + 1))[: len(body) + int(size)]
    if manner == "whole":
        await answer(send, content)
        return
    await send(head(200, [(b"content-length", b"%d" % len(content))] if manner == "length" else []))
    with contextlib.suppress(OSError):
        for begin in range(0, len(content), 7000):
            await send(part(content[begin : begin + 7000], more=True))
            await asyncio.sleep(0)
        await send(part())


def conversation(chance: random.Random) -> bytes:
    """The bytes of a few requests, the last of which ends the connection."""
    data = b""
    count = chance.choice([1, 2, 5])
    for number in range(count):
        path = f"/{chance.choice(['whole', 'length', 'chunked'])}/{chance.choice(SIZES)}"
        fields = ["Connection: close"] if number == count - 1 else []
        body = bytes(chance.choices(b"abc\r\n", k=chance.choice(BODIES)))
        if chance.random() < 0.5:
            data += request("POST", path, *fields, body=body)
        else:
            data += request("POST", path, "Transfer-Encoding: chunked", *fields)
            data += (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    return data


def converse(client: Client, data: bytes) -> bytes:
    """Send all, receive all."""

    def send() -> None:
        with contextlib.suppress(OSError):
            client.send(data)

    sender = threading.Thread(target=send)
    sender.start()
    received = client.read_to_end()
    sender.join()
    return received


@pytest.fixture
def serving(serve: Serve) -> Serving:
    return serve(app, date_header=False, linger_timeout_s=0.5, half_close_timeout_s=0.5)


@pytest.fixture
def proxy(serving: Serving) -> Iterator[Proxy]:
    running = Proxy(serving.address[1])
    yield running
    running.close()
    assert running.failures == []


def behind(proxy: Proxy, data: bytes, up: Weather, down: Weather, seed: int) -> bytes:
    proxy.plan(up, down, seed)
    with Client(proxy.port, timeout_s=TIMEOUT_S) as client:
        return converse(client, data)


def directly(serving: Serving, data: bytes) -> bytes:
    with serving.connect() as client:
        return converse(client, data)


def assert_nothing_left(serving: Serving) -> None:
    serving.await_idle()
    until(lambda: serving.in_loop(lambda: serving.server._endpoint.connections) == 0, "connections left")


@CASES("count", [CONNECTIONS, pytest.param(3000, marks=pytest.mark.huge)])
def test_delays_and_other_pieces(serving: Serving, proxy: Proxy, seed: int, count: int) -> None:
    """Nothing is lost: the answers are the same, to the byte."""
    for number in range(seed, seed + count):
        chance = random.Random(number)
        data = conversation(chance)
        received = behind(proxy, data, mild(chance), mild(chance), number)
        assert received == directly(serving, data), f"conversation {number}"
    assert_nothing_left(serving)


@CASES("direction", ["up", "down", "both"])
@CASES("count", [CONNECTIONS, pytest.param(3000, marks=pytest.mark.huge)])
def test_ends_of_every_kind(serving: Serving, proxy: Proxy, seed: int, direction: str, count: int) -> None:
    """What arrives is the beginning of the right answers; the server notices, and keeps nothing."""
    for number in range(seed, seed + count):
        chance = random.Random(number)
        data = conversation(chance)
        expected = directly(serving, data)
        up = storm(chance, len(data)) if direction != "down" else mild(chance)
        down = storm(chance, len(expected)) if direction != "up" else mild(chance)
        received = behind(proxy, data, up, down, number)
        assert expected.startswith(received), f"conversation {number}: {received[-300:]!r}"
        if not down.is_fatal and up.ends_by == "fin" and up.ends_after == len(data):
            assert received == expected, f"conversation {number}"
    assert_nothing_left(serving)


def test_many_at_once(serving: Serving, proxy: Proxy, seed: int) -> None:
    """Every connection has weather of its own, and none has the bytes of another."""
    plans = []
    for number in range(seed, seed + CONNECTIONS):
        chance = random.Random(number)
        plans.append(conversation(chance))
        proxy.plan(mild(chance), mild(chance), number)
    with ThreadPoolExecutor(8) as pool:

        def ask(data: bytes) -> bytes:
            with Client(proxy.port, timeout_s=TIMEOUT_S) as client:
                return converse(client, data)

        received = list(pool.map(ask, plans))
    for number, (data, got) in enumerate(zip(plans, received, strict=True)):
        assert got == directly(serving, data), f"conversation {seed + number}"
    assert_nothing_left(serving)
