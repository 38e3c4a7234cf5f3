"""What if the work on one connection fails in a way that nobody foresaw? The others hear nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .app import WireApp
from .memory import Core, MemoryTransport, start_core
from .verdict import G

ANSWER = b"HTTP/1.1 200 OK\r\n"


class Broken(MemoryTransport):
    """Raises where the server uses it, after having done what it was told."""

    def __init__(self, loop: asyncio.AbstractEventLoop, method: str, error: BaseException) -> None:
        super().__init__(loop)
        works = getattr(self, method)

        def fails(*args: Any) -> None:
            works(*args)
            raise error

        setattr(self, method, fails)


class Turns:
    """A core on a loop that runs for as long as a test says."""

    def __init__(self, http: str, loop: asyncio.AbstractEventLoop, keep_alive_s: float) -> None:
        self.loop = loop
        self._keep_alive_s = keep_alive_s
        self.told: list[dict[str, Any]] = []
        loop.set_exception_handler(lambda loop, context: self.told.append(context))
        self.core: Core = loop.run_until_complete(self._start(http))

    async def _start(self, http: str) -> Core:
        return start_core(http, self.loop, WireApp(), {"timeout-keep-alive": self._keep_alive_s})

    def connect(self, transport: MemoryTransport) -> MemoryTransport:
        transport.set_protocol(self.core.factory())
        transport.get_protocol().connection_made(transport)
        return transport

    def ask(self, *clients: MemoryTransport) -> None:
        """Each of them sends a request in the loop's next turn."""
        for client in clients:
            self.loop.call_soon(client.feed, G + b"\r\n")

    def run(self, seconds: float = 0.01) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def run_until(self, condition: Callable[[], bool], timeout_s: float = 5) -> None:
        end_s = self.loop.time() + timeout_s
        while not condition() and self.loop.time() < end_s:
            self.run()

    def stop(self) -> None:
        self.loop.call_soon(self.core.stop)
        self.run()
        self.loop.close()


@pytest.fixture(params=["uvloop", "asyncio"])
def library(request: pytest.FixtureRequest) -> Any:
    return asyncio if request.param == "asyncio" else pytest.importorskip("uvloop")


@pytest.fixture
def turns(library: Any, http: str) -> Iterator[Turns]:
    running = Turns(http, library.new_event_loop(), keep_alive_s=60)
    yield running
    running.stop()


@pytest.fixture
def impatient(library: Any, http: str) -> Iterator[Turns]:
    running = Turns(http, library.new_event_loop(), keep_alive_s=0.05)
    yield running
    running.stop()


def pair(turns: Turns, method: str, error: BaseException) -> tuple[MemoryTransport, MemoryTransport]:
    return turns.connect(Broken(turns.loop, method, error)), turns.connect(MemoryTransport(turns.loop))


def test_an_error_ends_one_connection(turns: Turns, caplog: pytest.LogCaptureFixture) -> None:
    broken, other = pair(turns, "write", ZeroDivisionError())
    turns.ask(broken, other)
    turns.run_until(lambda: broken.lost and bool(other.sent))
    assert broken.lost
    assert other.sent.startswith(ANSWER)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ZeroDivisionError]
    turns.ask(other)
    turns.run_until(lambda: other.sent.count(ANSWER) == 2)
    assert other.sent.count(ANSWER) == 2


@pytest.mark.parametrize("method", ["get_extra_info", "write"])
def test_an_interrupt_comes_through_and_nobody_is_forgotten(turns: Turns, method: str) -> None:
    """A server that is to end in order still answers what it has read."""
    broken, other = pair(turns, method, KeyboardInterrupt())
    turns.ask(broken, other)
    with pytest.raises(KeyboardInterrupt):
        turns.run(60)  # until the interrupt; a sleep that ended in the same turn would stop the next run, too
    turns.run_until(lambda: bool(other.sent))
    assert other.sent.startswith(ANSWER)


def test_a_connection_that_cannot_even_be_dropped(turns: Turns) -> None:
    broken, other = pair(turns, "abort", ZeroDivisionError())
    broken.get_extra_info = None  # type: ignore[method-assign, assignment]
    turns.ask(broken, other)
    turns.run_until(lambda: bool(other.sent) and bool(turns.told))
    assert other.sent.startswith(ANSWER)
    assert [type(context["exception"]) for context in turns.told] == [ZeroDivisionError]


def test_a_deadline_that_fails_stops_no_other(impatient: Turns) -> None:
    broken, other = pair(impatient, "close", ZeroDivisionError())
    broken.abort = broken.close  # type: ignore[method-assign]
    impatient.ask(broken, other)
    impatient.run_until(lambda: other.lost)
    assert other.lost


def test_who_waits_for_the_end_waits_alone(turns: Turns) -> None:
    client = turns.connect(MemoryTransport(turns.loop))

    async def scenario() -> None:
        gives_up, waits = (asyncio.ensure_future(turns.core.endpoint.wait_closed()) for _ in range(2))
        await client.turns()
        gives_up.cancel()
        await client.turns()
        assert gives_up.cancelled() and not waits.done()
        client.abort()
        await asyncio.wait_for(waits, 3)

    turns.loop.run_until_complete(scenario())
