"""The same conversations over a transport in memory: every cut exact, thousands of them in a second.

This is the one file of the suite that knows what a core is made of: `start_core` puts one together. A
deterministic client stands behind `MemoryTransport`: it sends the next piece when the event
loop has had a few turns to deal with the last one, obeys the server's pause_reading, answers the server's FIN
with its own, and checks that the server uses the transport as asyncio allows.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from parity.differences import assert_agree

from fastserve.core import CORES

from .app import Receive, Scope, Send, WireApp
from .exchange import Outcome, assert_same, cut, offsets_to_cut
from .servers import PROFILES, Option

TURNS = 3
"""Turns of the event loop between two pieces."""
TIMEOUT_S = 3.0
PATIENCE_S = 600.0
"""Of deadlines for the client that a profile does not name."""
RANDOM_CUTS = 12
FEW_CUTS = 4

Factory = Callable[[], asyncio.Protocol]
"""What a factory makes is a protocol by its methods, not by its class."""


@dataclass
class Core:
    """An implementation, ready to accept connections in memory."""

    factory: Factory
    stop: Callable[[], None]
    endpoint: Any
    """What its connections share: `drain()`, `wait_closed()`, `cancel_requests()`, `connections`."""


def start_core(
    http: str,
    loop: asyncio.AbstractEventLoop,
    app: Any,
    options: Mapping[str, Option],
    observers: Sequence[Any] = (),
) -> Core:
    """Returns the implementation of this name on this loop."""
    core = CORES[http]
    limits = _limits(options)
    driver = core.part("ASGIDriver")(
        app, loop, contextvars.copy_context(), {}, "", limits.read_buffer_bytes_max
    )
    request_filter, _ = core.part("proxy_filter")(
        limits.forwarded_allow_ips,
        limits.forwarded_headers.split(","),
        limits.proxy_headers,
        limits.strip_untrusted_forwarded,
    )
    endpoint = core.part("Endpoint")(loop, limits, driver, observers=observers, request_filter=request_filter)
    connection = core.part("connection")

    def stop() -> None:
        endpoint.abort()
        endpoint.close()

    return Core(lambda: cast(asyncio.Protocol, connection(endpoint)), stop, endpoint)


def _limits(options: Mapping[str, Option]) -> SimpleNamespace:
    """What an endpoint takes from the one table of options: defaults, with these on top."""
    from fastserve.options import BY_NAME, OPTIONS

    values = {option.name: option.default for option in OPTIONS if not option.argument}
    # Who is slow in memory is this machine: 70,000 bytes one by one may take it longer than any client.
    values |= dict.fromkeys(("timeout_keep_alive", "head_timeout_s", "body_timeout_s"), PATIENCE_S)
    values["forwarded_allow_ips"] = "127.0.0.1,::1"
    for flag, value in options.items():
        name = flag.replace("-", "_")
        option = BY_NAME[name]
        values[name] = True if option.type is bool else option.convert(value)
    return SimpleNamespace(**values)


class MemoryTransport(asyncio.Transport):
    """A transport whose peer takes every byte at once, or none while it is `stalled`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__({"peername": ("127.0.0.1", 54321), "sockname": ("127.0.0.1", 8000)})
        self._loop = loop
        self._protocol: asyncio.Protocol | None = None
        self._changed = asyncio.Event()
        self._reading = True
        self._closing = False
        self._high_water_bytes = 65536
        self._writing_paused = False
        self.sent = bytearray()
        self.stalled = False
        self.pending_bytes = 0
        """Bytes that wait for a stalled client."""
        self.eof_sent = False
        self.lost = False
        self.aborted = False
        self.faults: list[str] = []
        """What the server did that a transport does not allow."""

    def feed(self, data: bytes) -> None:
        """The client sends. Obeying pause_reading is the caller's part."""
        self.get_protocol().data_received(data)

    def shut(self) -> None:
        """The client shuts its side, with everything sent."""
        if not self.get_protocol().eof_received():
            self.close()

    def take(self, size: int | None = None) -> None:
        """The client takes so many bytes of what waits for it; by default all of it, and goes on taking."""
        self.stalled = size is not None
        self.pending_bytes -= self.pending_bytes if size is None else min(size, self.pending_bytes)
        if self._writing_paused and self.pending_bytes <= self._high_water_bytes // 4:
            self._writing_paused = False
            self.get_protocol().resume_writing()

    async def turns(self, count: int = TURNS) -> None:
        """Let the event loop turn."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def wait_for(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait for what only a call of the server's can bring about; return whether it came about."""
        for _ in range(TURNS):
            if condition():
                return True
            await asyncio.sleep(0)
        deadline_s = self._loop.time() + timeout_s
        while not condition():
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline_s - self._loop.time())
            except (asyncio.TimeoutError, TimeoutError):
                return condition()
        return True

    @property
    def open_to_read(self) -> bool:
        return self._reading and not self._closing

    def _lose(self) -> None:
        assert self._protocol is not None
        self._protocol.connection_lost(None)
        self.lost = True
        self._changed.set()

    def _end(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._lose)
        self._changed.set()

    # What a server may call: asyncio.Transport.

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.Protocol:
        assert self._protocol is not None
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        self._end()

    def abort(self) -> None:
        self.aborted = self.aborted or not self._closing
        self._end()

    def is_reading(self) -> bool:
        return self.open_to_read

    def pause_reading(self) -> None:
        self._reading = False
        self._changed.set()

    def resume_reading(self) -> None:
        self._reading = True
        self._changed.set()

    def write(self, data: Any) -> None:
        if not isinstance(data, (bytes, bytearray, memoryview)):
            self.faults.append(f"write({type(data).__name__})")
        if self.eof_sent:
            self.faults.append(f"write after write_eof: {bytes(data)!r}")
        if self._closing:
            self.faults.append(f"write after close: {bytes(data)!r}")
        self.sent += data
        if self.stalled:
            self.pending_bytes += len(data)
            if self.pending_bytes > self._high_water_bytes and not self._writing_paused:
                self._writing_paused = True
                self.get_protocol().pause_writing()

    def writelines(self, list_of_data: Any) -> None:
        for data in list_of_data:
            self.write(data)

    def write_eof(self) -> None:
        self.eof_sent = True
        self._changed.set()

    def can_write_eof(self) -> bool:
        return True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        if high is not None:
            self._high_water_bytes = high

    def get_write_buffer_size(self) -> int:
        return self.pending_bytes


class MemoryServer:
    """One core with one set of options on an event loop of its own."""

    def __init__(
        self,
        http: str,
        options: Mapping[str, Option],
        observers: Callable[[asyncio.AbstractEventLoop], Sequence[Any]] = lambda loop: (),
    ) -> None:
        self._loop = _new_event_loop()
        self._app = WireApp()
        self._faults: list[str] = []
        self._loop.set_exception_handler(lambda loop, context: self._faults.append(repr(context)))
        self._core = self._loop.run_until_complete(self._start(http, options, observers(self._loop)))

    async def _start(self, http: str, options: Mapping[str, Option], observers: Sequence[Any]) -> Core:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await self._app(scope, receive, send)  # every run has an application of its own

        return start_core(http, self._loop, application, options, observers)

    def stop(self) -> None:
        self._loop.call_soon(self._core.stop)
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def drive(self, scenario: Callable[[MemoryTransport, WireApp], Coroutine[Any, Any, None]]) -> None:
        """Run a scenario with a connection of its own."""

        async def driven() -> None:
            app, transport = self._connect()
            await scenario(transport, app)
            transport.abort()
            assert await transport.wait_for(lambda: transport.lost, TIMEOUT_S)
            await app.settled()
            faults, self._faults = transport.faults + self._faults, []
            assert not faults, faults

        self._loop.run_until_complete(driven())

    def _connect(self) -> tuple[WireApp, MemoryTransport]:
        app = self._app = WireApp()
        transport = MemoryTransport(self._loop)
        transport.set_protocol(self._core.factory())
        transport.get_protocol().connection_made(transport)
        return app, transport

    def run(self, pieces: list[bytes], half_close: bool = False, gate: str = "") -> Outcome:
        """Send the pieces over a new connection. Raises AssertionError for a misuse of the transport."""
        return self._wait_for(self._run(pieces, half_close, gate))

    def run_every_cut(
        self, data: bytes, rng: random.Random, half_close: bool = False, gate: str = "", few: bool = False
    ) -> Outcome:
        """Whole, byte by byte, in two pieces at every offset (or, if `few`, at none), in three at some: the
        outcome they share."""
        return self._wait_for(self._run_every_cut(data, rng, half_close, gate, few))

    def _wait_for(self, conversation: Coroutine[Any, Any, Outcome]) -> Outcome:
        logging.disable()  # or a case that is logged would be logged a thousand times
        try:
            return self._loop.run_until_complete(conversation)
        finally:
            logging.disable(logging.NOTSET)

    async def _run_every_cut(
        self, data: bytes, rng: random.Random, half_close: bool, gate: str, few: bool
    ) -> Outcome:
        first = await self._run([data], half_close, gate)
        if first.ending == "open":
            return first  # a failure already, and each further one would cost the timeout
        pieces = [data[i : i + 1] for i in range(len(data))]
        assert_same(await self._run(pieces, half_close, gate), first, "byte by byte")
        for offset in offsets_to_cut(data, rng) if not few else ():
            assert_same(await self._run(cut(data, offset), half_close, gate), first, f"at {offset}")
        for _ in range((FEW_CUTS if few else RANDOM_CUTS) if len(data) > 3 else 0):
            offsets = rng.sample(range(1, len(data)), 2)
            assert_same(
                await self._run(cut(data, *offsets), half_close, gate), first, f"at {sorted(offsets)}"
            )
        return first

    async def _run(self, pieces: list[bytes], half_close: bool, gate: str) -> Outcome:
        app, transport = self._connect()
        ending = await self._converse(transport, app, pieces, half_close, gate)
        seen = await app.settled()
        faults, self._faults = transport.faults + self._faults, []
        assert not faults, faults
        return Outcome(bytes(transport.sent), ending, seen)

    async def _converse(
        self, transport: MemoryTransport, app: WireApp, pieces: list[bytes], half_close: bool, gate: str
    ) -> str:
        for piece in pieces:
            if gate and not transport.open_to_read:
                app.open_gate(gate)  # the server reads no further before the application goes on
            if not await transport.wait_for(
                lambda: transport.open_to_read or transport.is_closing(), TIMEOUT_S
            ):
                break
            if transport.is_closing():
                break
            transport.feed(piece)
            await transport.turns()
        if gate:
            app.open_gate(gate)
        if half_close:
            await self._send_eof(transport)
        ended = await transport.wait_for(lambda: transport.eof_sent or transport.is_closing(), TIMEOUT_S)
        if ended and not half_close:
            await self._send_eof(transport)
        if ended:
            await transport.wait_for(lambda: transport.lost, TIMEOUT_S)
        ending = "reset" if transport.aborted else "eof" if ended else "open"
        if not transport.lost:
            transport.abort()
            await transport.wait_for(lambda: transport.lost, TIMEOUT_S)
        return ending

    async def _send_eof(self, transport: MemoryTransport) -> None:
        await transport.wait_for(lambda: transport.open_to_read or transport.is_closing(), TIMEOUT_S)
        if transport.open_to_read:
            transport.shut()


class MemoryDelivery:
    """Every cut of the bytes, or a few; see exchange.Delivery.

    With a `judge`, the outcome must be what the judge's implementation makes of the bytes.
    """

    name = "memory"

    def __init__(self, http: str, seed: int, few: bool = False, judge: MemoryDelivery | None = None) -> None:
        self._http = http
        self._seed = seed
        self._few = few
        self._judge = judge
        self._servers: dict[str, MemoryServer] = {}

    def __call__(
        self,
        data: bytes,
        *,
        half_close: bool = False,
        gate: str = "",
        late: bool = False,
        profile: str = "plain",
    ) -> Outcome:
        server = self.server(profile)
        outcome = server.run_every_cut(data, random.Random(self._seed), half_close, gate, self._few)
        if self._judge is not None:
            judged = self._judge.server(profile).run([data], half_close, gate)
            assert_agree(data, self._http, outcome, self._judge._http, judged)
        return outcome

    def server(self, profile: str) -> MemoryServer:
        """The core with the options of this profile."""
        if profile not in self._servers:
            self._servers[profile] = MemoryServer(self._http, PROFILES[profile])
        return self._servers[profile]

    def stop(self) -> None:
        for server in self._servers.values():
            server.stop()


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
