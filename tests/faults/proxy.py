"""What becomes of the bytes on their way? A TCP proxy with faults, in a thread of its own.

A `Weather` says what one direction of one connection suffers: bytes rest, are split or joined, and after so
many of them the direction ends, by FIN or by RST. Everything is chosen by a seed, so that a connection can be
repeated; only the kernel's own timing is not in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Any

RESET = struct.pack("ii", 1, 0)
READ_BYTES = 65536
#: In one direction of a connection: the first ones are where requests and heads are.
RESTS_MAX = 40


@dataclass(frozen=True)
class Weather:
    """What one direction suffers. By default nothing."""

    rests_s: tuple[float, ...] = (0.0,)
    """Before a piece is passed on, one of these."""
    pieces: tuple[int, ...] = (READ_BYTES,)
    """Pieces are of one of these sizes."""
    joins_s: float = 0.0
    """For so long what arrives is gathered, to go on as one."""
    ends_after: int | None = None
    """Bytes that get through."""
    ends_by: str = "fin"
    """fin or reset; the latter takes the other direction along."""

    @property
    def is_fatal(self) -> bool:
        return self.ends_after is not None


def mild(chance: random.Random) -> Weather:
    """Delays and other sizes: nothing is lost."""
    return Weather(
        rests_s=chance.choice([(0.0,), (0.0, 0.001), (0.0, 0.0, 0.0, 0.01)]),
        pieces=chance.choice([(READ_BYTES,), (1, 2, 3, 10_000), (100, 1000), (1460,), (7, 4096)]),
        joins_s=chance.choice([0.0, 0.0, 0.003]),
    )


def storm(chance: random.Random, size: int) -> Weather:
    """The same, and an end somewhere within `size` bytes."""
    before = mild(chance)
    return Weather(
        before.rests_s,
        before.pieces,
        before.joins_s,
        chance.randint(0, size),
        chance.choice(["fin", "reset"]),
    )


class Proxy:
    """Passes connections on to 127.0.0.1:`port`. `plan` gives the weather of the next one: up, and down."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._plans: list[tuple[Weather, Weather, int]] = []
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: Any = None
        self.failures: list[str] = []
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="proxy")
        self._thread.start()
        assert started.wait(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def plan(self, up: Weather, down: Weather, seed: int) -> None:
        self._plans.append((up, down, seed))

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self, started: threading.Event) -> None:
        async def listen() -> None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

        self._loop.run_until_complete(listen())
        started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._stop())
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # for the transports' last callbacks

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        up, down, seed = self._plans.pop(0)
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        both = (writer, there_writer)
        try:
            await asyncio.gather(
                _pass_on(reader, there_writer, up, random.Random(seed), both),
                _pass_on(there_reader, writer, down, random.Random(seed + 1), both),
            )
        except Exception as error:
            self.failures.append(repr(error))
        finally:
            for one in both:
                one.close()
            self._tasks.discard(task)


async def _pass_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    weather: Weather,
    chance: random.Random,
    both: tuple[asyncio.StreamWriter, ...],
) -> None:
    left = weather.ends_after
    rests = RESTS_MAX
    with contextlib.suppress(ConnectionError):
        while data := await _gather(reader, weather.joins_s):
            while data:
                piece, data = _split(data, chance.choice(weather.pieces))
                rest_s = chance.choice(weather.rests_s)
                if rest_s and rests:
                    rests -= 1
                    await asyncio.sleep(rest_s)
                writer.write(piece if left is None else piece[:left])
                await writer.drain()
                if left is not None:
                    left -= len(piece)
                    if left <= 0:
                        return _end(writer, weather.ends_by, both)
        writer.write_eof()
        return
    for one in both:  # a reset on one side is one on the other
        _reset(one)


async def _gather(reader: asyncio.StreamReader, joins_s: float) -> bytes:
    data = await reader.read(READ_BYTES)
    if joins_s and data:
        with contextlib.suppress(asyncio.TimeoutError, TimeoutError):
            while more := await asyncio.wait_for(reader.read(READ_BYTES), joins_s):
                data += more
    return data


def _split(data: bytes, size: int) -> tuple[bytes, bytes]:
    return data[:size], data[size:]


def _end(writer: asyncio.StreamWriter, how: str, both: tuple[asyncio.StreamWriter, ...]) -> None:
    if how == "reset":
        for one in both:
            _reset(one)
    else:
        writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
