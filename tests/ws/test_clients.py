"""Do the libraries that people use as clients agree?"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

MESSAGES: list[str | bytes] = ["hello", "", "é€𝄞" * 500, b"", bytes(range(256)) * 300, "x" * 300_000]


def run(main: Any) -> Any:
    return asyncio.run(asyncio.wait_for(main, 20))


@pytest.mark.parametrize("compression", ["deflate", None])
def test_websockets(port: int, compression: str | None) -> None:
    websockets = pytest.importorskip("websockets")

    async def talk() -> None:
        async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=compression, proxy=None) as ws:
            for message in MESSAGES:
                await ws.send(message)
                assert await ws.recv() == message
            await ws.send(["in ", "three ", "parts"])
            assert await ws.recv() == "in three parts"
            await (await ws.ping())
        assert ws.close_code == 1000
        async with websockets.connect(
            f"ws://127.0.0.1:{port}/closes?bytes=100000&code=4001", proxy=None
        ) as ws:
            received = 0
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    received += len(await ws.recv())
            assert (received, ws.close_code) == (100_000, 4001)
        with pytest.raises(websockets.InvalidStatus) as refused:
            await websockets.connect(f"ws://127.0.0.1:{port}/refuse", proxy=None)
        assert refused.value.response.status_code == 403

    run(talk())


@pytest.mark.parametrize("compress", [0, 15])
def test_aiohttp(port: int, compress: int) -> None:
    aiohttp = pytest.importorskip("aiohttp")

    async def talk() -> None:
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(f"http://127.0.0.1:{port}/", compress=compress) as ws:
                for message in MESSAGES:
                    if isinstance(message, str):
                        await ws.send_str(message)
                        assert await ws.receive_str() == message
                    else:
                        await ws.send_bytes(message)
                        assert await ws.receive_bytes() == message
                await ws.close(code=4000)
            assert ws.close_code == 4000

    run(talk())


def test_httpx_ws(port: int) -> None:
    """Its protocol is wsproto's."""
    httpx_ws = pytest.importorskip("httpx_ws")

    async def talk() -> None:
        async with httpx_ws.aconnect_ws(f"http://127.0.0.1:{port}/") as ws:
            for message in MESSAGES:
                if isinstance(message, str):
                    await ws.send_text(message)
                    assert await ws.receive_text(timeout=10) == message
                else:
                    await ws.send_bytes(message)
                    assert await ws.receive_bytes(timeout=10) == message

    run(talk())


def test_picows(port: int) -> None:
    picows = pytest.importorskip("picows")

    async def talk() -> None:
        received: asyncio.Queue[Any] = asyncio.Queue()

        class Listener(picows.WSListener):  # type: ignore[misc, name-defined]
            def on_ws_frame(self, transport: Any, frame: Any) -> None:
                if frame.msg_type == picows.WSMsgType.TEXT:
                    received.put_nowait(frame.get_payload_as_utf8_text())
                elif frame.msg_type == picows.WSMsgType.BINARY:
                    received.put_nowait(frame.get_payload_as_bytes())
                elif frame.msg_type == picows.WSMsgType.CLOSE:
                    received.put_nowait(int(frame.get_close_code()))
                    transport.disconnect()

        transport, _ = await picows.ws_connect(Listener, f"ws://127.0.0.1:{port}/")
        for message in MESSAGES:
            kind = picows.WSMsgType.TEXT if isinstance(message, str) else picows.WSMsgType.BINARY
            transport.send(kind, message.encode() if isinstance(message, str) else message)
            assert await received.get() == message
        transport.send_close(picows.WSCloseCode.OK)
        assert await received.get() == 1000
        await transport.wait_disconnected()

    run(talk())
