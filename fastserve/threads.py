"""How many threads are there for code that blocks, and are they enough?

An event loop has two pools of them: its default executor (`asyncio.to_thread`), and anyio's, in which
Starlette and FastAPI run `def` endpoints. When all threads of a pool are taken, calls wait, and nobody sees
it: the loop turns, the processor idles, and requests are slow. Here somebody looks.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

__all__ = ["Executor", "Threads"]

_LOOK_INTERVAL_S = 0.5
#: A call that waits so long for a thread is worth a line; there is one for each pool in so much time.
_WAIT_MAX_S = 1.0
_TELL_INTERVAL_S = 60.0
_ADVICE = "--threads gives more; what only waits needs none where it can be awaited."


class Executor(ThreadPoolExecutor):
    """The event loop's default executor; it knows which calls wait for a thread, and since when."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads, "asyncio")  # the prefix is asyncio's own
        self.threads = threads
        #: When each call was made that has not begun, in order, on the monotonic clock.
        self._waiting: dict[object, float] = {}
        self._running: set[object] = set()

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        key = object()
        self._waiting[key] = time.monotonic()

        def begin() -> Any:
            self._waiting.pop(key, None)
            self._running.add(key)
            try:
                return call(*args, **kwargs)
            finally:
                self._running.discard(key)

        try:
            future = super().submit(begin)
        except RuntimeError:  # it has been shut down
            self._waiting.pop(key, None)
            raise
        future.add_done_callback(lambda _: self._waiting.pop(key, None))  # cancelled before it began
        return future

    @property
    def waiting(self) -> int:
        """Calls that wait for a thread."""
        return len(self._waiting)

    @property
    def in_use(self) -> int:
        """Threads that work."""
        return len(self._running)

    def longest_wait_s(self) -> float:
        """For how long the first of them has waited; 0 if there is none."""
        first = next(iter([*self._waiting.values()]), None)
        return 0.0 if first is None else time.monotonic() - first


class Threads:
    """The pools of the running loop. `count` is how many threads each has; None: as many as without us.

    Only anyio's is looked at without a count: the loop's own is not ours to exchange then.
    """

    def __init__(self, count: int | None, logger: logging.Logger) -> None:
        self._count = count
        self._logger = logger
        self._loop = asyncio.get_running_loop()
        self._executor: Executor | None = None
        self._limiter: Any = None
        self._probe: asyncio.Task[None] | None = None
        self._probe_began_s = 0.0
        self._told_at_s: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Set the pools' sizes, before the application starts up, which may set others; begin to look."""
        if self._count is not None:
            self._executor = Executor(self._count)
            self._loop.set_default_executor(self._executor)
            self._find_limiter()
            if self._limiter is not None:
                self._limiter.total_tokens = self._count
        self._timer = self._loop.call_later(_LOOK_INTERVAL_S, self._look)

    def close(self) -> None:
        """Look no more. The executor ends with its loop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None

    def pools(self) -> dict[str, tuple[int, int, int]]:
        """Of each pool that is known: its threads, those that work, and the calls that wait for one."""
        found = {}
        if self._executor is not None:
            found["asyncio"] = (self._executor.threads, self._executor.in_use, self._executor.waiting)
        if self._limiter is not None:
            statistics = self._limiter.statistics()
            waiting = statistics.tasks_waiting - (self._probe is not None)
            found["anyio"] = (int(statistics.total_tokens), statistics.borrowed_tokens, max(0, waiting))
        return found

    def _find_limiter(self) -> None:
        """In a task: anyio keeps a limiter for each event loop, and asks which one this is."""
        try:
            from anyio.to_thread import current_default_thread_limiter
        except ImportError:
            return
        self._limiter = current_default_thread_limiter()

    def _look(self) -> None:
        self._timer = self._loop.call_later(_LOOK_INTERVAL_S, self._look)
        if self._executor is not None and self._executor.longest_wait_s() >= _WAIT_MAX_S:
            self._tell("the event loop's pool", self._executor.threads, self._executor.waiting,
                       self._executor.longest_wait_s())  # fmt: skip
        if self._probe is not None:
            waited_s = time.monotonic() - self._probe_began_s
            if self._limiter is not None and waited_s >= _WAIT_MAX_S:
                self._tell("anyio's pool (def endpoints)", self._limiter.total_tokens,
                           self._limiter.statistics().tasks_waiting - 1, waited_s)  # fmt: skip
        elif self._limiter is None:
            if "anyio" in sys.modules:
                self._probe_began_s = time.monotonic()
                self._probe = self._loop.create_task(self._first_look())
        elif self._limiter.available_tokens <= 0 and self._limiter.statistics().tasks_waiting > 0:
            self._probe_began_s = time.monotonic()
            self._probe = self._loop.create_task(self._measure())

    async def _first_look(self) -> None:
        try:
            self._find_limiter()
        finally:
            self._probe = None

    async def _measure(self) -> None:
        """Wait in the queue as a call does, and give the turn back at once: so long do calls wait."""
        me = object()
        try:
            await self._limiter.acquire_on_behalf_of(me)
            self._limiter.release_on_behalf_of(me)
        finally:
            self._probe = None

    def _tell(self, pool: str, threads: float, waiting: int, waited_s: float) -> None:
        now_s = time.monotonic()
        if now_s - self._told_at_s.get(pool, -_TELL_INTERVAL_S) < _TELL_INTERVAL_S:
            return
        self._told_at_s[pool] = now_s
        self._logger.warning(
            "All %g threads of %s are in use, and %s for one, for %.1f s by now. %s",
            threads, pool, "1 call waits" if waiting == 1 else f"{waiting} calls wait", waited_s, _ADVICE,
        )  # fmt: skip
