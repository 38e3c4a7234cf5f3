"""What do the clients do? Some ask and judge every answer; others break every rule and leave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from wire.client import Response, parse_response
from wire.fuzz_inputs import bent

ASKERS = 16
PIPELINERS = 4
HOSTILE = 12
ANSWER_TIMEOUT_S = 30.0

Expected = Callable[[Response], bool]
Question = tuple[bytes, Expected]


class Traffic:
    """Runs until cancelled. `counts` tells of answers and hostile connections, `wrong` of wrong answers."""

    def __init__(self, port: int, seed: int) -> None:
        self._port = port
        self._seed = seed
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def run(self) -> None:
        workers: list[Callable[[random.Random], Awaitable[None]]] = [
            *[self._ask] * ASKERS,
            *[self._pipeline] * PIPELINERS,
            *[self._offend] * HOSTILE,
        ]
        tasks = [
            asyncio.ensure_future(worker(random.Random(self._seed + number)))
            for number, worker in enumerate(workers)
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            # Before CPython 3.12 a wait_for() whose awaitable is done at that moment swallows a cancellation.
            while left := [task for task in tasks if not task.done()]:
                for task in left:
                    task.cancel()
                await asyncio.wait(left, timeout=1)

    # ---- those who judge

    async def _ask(self, chance: random.Random) -> None:
        while True:
            async with self._connected() as connection:
                for _ in range(chance.choice([1, 5, 50])):
                    await self._judge(connection, [question(chance)])
                    if chance.random() < 0.1:
                        await asyncio.sleep(chance.random() * 0.2)

    async def _pipeline(self, chance: random.Random) -> None:
        while True:
            async with self._connected() as connection:
                for _ in range(chance.choice([1, 5])):
                    await self._judge(connection, [question(chance) for _ in range(8)])

    async def _judge(self, connection: Connection, questions: list[Question]) -> None:
        asked = b"".join(data for data, _ in questions)
        try:
            connection.writer.write(asked)
            for _, expected in questions:
                response = await asyncio.wait_for(connection.response(), ANSWER_TIMEOUT_S)
                self.counts["answers"] += 1
                if not expected(response):
                    self.wrong.append(f"{asked[:200]!r}: {response}")
        except Exception as error:
            self.wrong.append(f"{asked[:200]!r}: {error!r}")

    # ---- those who do not

    async def _offend(self, chance: random.Random) -> None:
        offences = [self._send_rubbish, self._leave, self._do_not_read, self._trickle, self._half_close]
        while True:
            self.counts["offences"] += 1
            with contextlib.suppress(OSError, asyncio.TimeoutError, TimeoutError):
                async with self._connected() as connection:
                    await chance.choice(offences)(connection, chance)
            await asyncio.sleep(chance.random() * 0.02)

    async def _send_rubbish(self, connection: Connection, chance: random.Random) -> None:
        connection.writer.write(bent([data for data, _ in (question(chance), question(chance))], chance))
        await asyncio.wait_for(connection.reader.read(65536), 0.5)

    async def _leave(self, connection: Connection, chance: random.Random) -> None:
        data, _ = question(chance)
        connection.writer.write(data[: chance.randint(0, len(data))])
        await asyncio.sleep(chance.choice([0, 0, 0.01]))
        connection.reset()

    async def _do_not_read(self, connection: Connection, chance: random.Random) -> None:
        connection.writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 200)
        await asyncio.sleep(chance.random())
        connection.reset()

    async def _trickle(self, connection: Connection, chance: random.Random) -> None:
        data, _ = question(chance)
        for at in range(min(len(data), 20)):
            connection.writer.write(data[at : at + 1])
            await asyncio.sleep(0.05)

    async def _half_close(self, connection: Connection, chance: random.Random) -> None:
        data, _ = question(chance)
        connection.writer.write(data[: chance.choice([0, len(data) // 2, len(data)])])
        connection.writer.write_eof()
        await asyncio.wait_for(connection.reader.read(), 10)

    @contextlib.asynccontextmanager
    async def _connected(self) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield Connection(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # the loop ends before all has been said
            raise
        finally:
            writer.close()


class Connection:
    """Streams, and a strict reading of the answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._received = b""

    async def response(self) -> Response:
        """The next answer. Raises WireError; EOFError if the connection ends before it is whole."""
        while (response := parse_response(self._received)) is None:
            data = await self.reader.read(65536)
            if not data:
                raise EOFError(f"the connection ended: {self._received[-200:]!r}")
            self._received += data
        self._received = self._received[len(response.raw) :]
        return response

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def question(chance: random.Random) -> Question:
    """A request, and what its answer must be."""
    return chance.choice(
        [_item, _item, _item, _order, _order, _big_order, _wait, _thread, _nothing, _faulty]
    )(chance)


def _get(path: str, status: int, judge: Callable[[Any], bool]) -> Question:
    data = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    return data, lambda response: response.status == status and judge(response.json())


def _item(chance: random.Random) -> Question:
    number, text = chance.randrange(10**9), "q" * chance.choice([1, 100, 2000])
    expected = {"item_id": number, "q": text, "page": 1}
    return _get(f"/items/{number}?q={text}", 200, lambda told: bool(told == expected))


def _post(body: bytes, chunked: bool, status: int, judge: Callable[[Any], bool]) -> Question:
    head = b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    if chunked:
        half = len(body) // 2 + 1
        parts = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
        data = head + b"Transfer-Encoding: chunked\r\n\r\n" + parts + b"0\r\n\r\n"
    else:
        data = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    return data, lambda response: response.status == status and judge(response.json())


def _order(chance: random.Random, size: int = 10) -> Question:
    amount = chance.randrange(1, 100)
    expected = {"item": f"tea {amount}", "amount": amount, "letters": amount * size}
    body = json.dumps({"item": expected["item"], "amount": amount, "engraving": "e" * size}).encode()
    return _post(body, chance.random() < 0.5, 201, lambda told: bool(told == expected))


def _big_order(chance: random.Random) -> Question:
    return _order(chance, chance.choice([5000, 100_000]))


def _wait(chance: random.Random) -> Question:
    return _get("/async?seconds=0.02", 200, lambda told: bool(told["endpoint"] == "async"))


def _thread(chance: random.Random) -> Question:
    return _get("/thread?seconds=0.001", 200, lambda told: bool(told["endpoint"] == "thread"))


def _nothing(chance: random.Random) -> Question:
    return _get("/nothing", 404, lambda told: bool(told == {"detail": "Not Found"}))


def _faulty(chance: random.Random) -> Question:
    return _post(b'{"item": ""', False, 422, lambda told: "detail" in told)
