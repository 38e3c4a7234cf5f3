"""What do the parts of one WebSocket message cost? As `test_micro`, over connections in memory.

Each test feeds messages to a session whose application sends them back. Frames and mask differ in the size;
deflate in what was negotiated.
"""

import asyncio
import os
import zlib
from collections.abc import Callable, Iterator

import pytest
import uvloop
from pytest_benchmark.fixture import BenchmarkFixture

from bench.apps.plain_asgi import Message, Receive, Send
from bench.memory import MINIMAL, Setup, Sunk, Turning, connect, request
from fastserve.net.endpoint import Endpoint

KEY = b"\x12\x34\x56\x78"
HANDSHAKE = [
    *MINIMAL,
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
TEXT = b"Some words, as a message has them. " * 32
BINARY, COMPRESSED = 0x82, 0xC2
BURST = 16
"""Messages of one read: what the event loop adds is shared by them."""


class Echo:
    """An application that sends each message back, and counts them."""

    def __init__(self) -> None:
        self.sent = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "bytes": message["bytes"]})
            self.sent += 1


def frame(payload: bytes, first: int = BINARY) -> bytes:
    """One message in one frame, masked (RFC 6455, section 5.2)."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    head = bytes([first, 0x80 | length[0]]) + length[1:]
    mask = (KEY * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return head + KEY + masked.to_bytes(size, "big")


def deflated(payload: bytes) -> bytes:
    """As a client sends it that keeps no window from message to message (RFC 7692, section 7.2.1)."""
    compress = zlib.compressobj(wbits=-15)
    return (compress.compress(payload) + compress.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


@pytest.fixture
def echo_messages(benchmark: BenchmarkFixture) -> Iterator[Callable[..., None]]:
    """Feeds `BURST` frames to one session at a time, again and again, and turns the loop until all are sent
    back."""
    loop, null_fd = uvloop.new_event_loop(), os.open(os.devnull, os.O_WRONLY)

    async def begin(app: Echo, extensions: list[tuple[str, str]]) -> tuple[Turning, Endpoint, Sunk]:
        turning = Turning()
        endpoint = Setup(app, websocket=True).endpoint(turning, null_fd)
        connection, transport = connect(endpoint)
        connection.data_received(request([*HANDSHAKE, *extensions]))
        turning.turn()
        while not transport.last:  # the application accepts in a task of its own
            await asyncio.sleep(0)
            turning.turn()
        assert transport.last.pop().startswith(b"HTTP/1.1 101 ")
        return turning, endpoint, transport

    def measured(data: bytes, answer_first: int, deflate: bool = False) -> None:
        offer = "permessage-deflate; client_no_context_takeover"
        app, extensions = Echo(), [("Sec-WebSocket-Extensions", offer)] if deflate else []
        turning, endpoint, transport = loop.run_until_complete(begin(app, extensions))

        async def feed() -> None:
            wanted = app.sent + BURST
            transport.protocol.data_received(data * BURST)
            while app.sent < wanted:
                turning.turn()
                await asyncio.sleep(0)
            turning.turn()

        benchmark(lambda: loop.run_until_complete(feed()))
        assert transport.last.pop()[0] == answer_first
        transport.protocol.connection_lost(None)
        loop.run_until_complete(asyncio.sleep(0))
        endpoint.close()

    yield measured
    loop.close()
    os.close(null_fd)


@pytest.mark.benchmark(group="frames and mask")
@pytest.mark.parametrize("size", [0, 32, 512, 2048])
def test_frames_and_mask(echo_messages: Callable[..., None], size: int) -> None:
    echo_messages(frame(b"x" * size), BINARY)


@pytest.mark.benchmark(group="deflate, 1 KiB")
@pytest.mark.parametrize("deflate", [False, True], ids=["off", "on"])
def test_deflate(echo_messages: Callable[..., None], deflate: bool) -> None:
    data = frame(deflated(TEXT), COMPRESSED) if deflate else frame(TEXT)
    echo_messages(data, COMPRESSED if deflate else BINARY, deflate)
