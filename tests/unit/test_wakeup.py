"""fastserve/wakeup.py: does a signal wake a loop that sleeps, and is the process as before at the end?"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from fastserve.wakeup import woken_by_signals

NUMBER = signal.SIGUSR2
PATIENCE_S = 5.0


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = signal.getsignal(NUMBER)
    assert signal.set_wakeup_fd(-1) == -1
    yield
    signal.signal(NUMBER, before)
    assert signal.set_wakeup_fd(-1) == -1, "left behind"


def kill_from_another_thread() -> threading.Thread:
    """A signal that the system gives to another thread: the main thread's wait is not interrupted."""

    def kill() -> None:
        time.sleep(0.05)  # the loop waits by then; if not, the test is only less strict
        os.kill(os.getpid(), NUMBER)

    thread = threading.Thread(target=kill)
    thread.start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {NUMBER})
    return thread


async def wait_for_signal() -> float:
    """The seconds until the handler has run."""
    begin_s = time.monotonic()
    heard = asyncio.Event()
    signal.signal(NUMBER, lambda *_: heard.set())
    thread = kill_from_another_thread()
    try:
        await asyncio.wait({asyncio.ensure_future(heard.wait())}, timeout=PATIENCE_S)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {NUMBER})
        thread.join()
    return time.monotonic() - begin_s


def test_a_signal_wakes_the_loop() -> None:
    async def run() -> float:
        with woken_by_signals():
            return await wait_for_signal()

    assert asyncio.run(run()) < PATIENCE_S


def test_many_signals_do_not_fill_it() -> None:
    async def run() -> int:
        count = 0

        def handle(*_: object) -> None:
            nonlocal count
            count += 1

        signal.signal(NUMBER, handle)
        with woken_by_signals():
            for _ in range(20_000):
                signal.raise_signal(NUMBER)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return count

    assert asyncio.run(run()) == 20_000


def test_somebody_else_sees_to_it() -> None:
    async def run() -> None:
        reader, writer = socket.socketpair()
        with reader, writer:
            writer.setblocking(False)
            signal.set_wakeup_fd(writer.fileno())
            with woken_by_signals():
                assert signal.set_wakeup_fd(writer.fileno()) == writer.fileno()
            assert signal.set_wakeup_fd(-1) == writer.fileno()

    asyncio.run(run())


def test_handlers_that_the_application_adds_meanwhile() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        heard = asyncio.Event()
        with woken_by_signals():
            loop.add_signal_handler(NUMBER, heard.set)
        signal.raise_signal(NUMBER)
        await asyncio.wait_for(heard.wait(), PATIENCE_S)
        assert loop.remove_signal_handler(NUMBER)

    asyncio.run(run())


def test_without_a_loop_it_does_nothing() -> None:
    with woken_by_signals():
        assert signal.set_wakeup_fd(-1) == -1
