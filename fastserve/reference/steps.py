"""Whose code runs now, and where does the time of a request go?

An event loop runs a coroutine step by step, from one `await` that has to wait to the next. `in_steps` stands
between the two, and tells a `Step` of each one's beginning and end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Protocol

from fastserve.reference.seam import Request, Sink

__all__ = ["Stage", "Step", "Watch", "in_steps"]


class Watch(Protocol):
    """Who watches for code that holds the event loop; `fastserve.loop_watch.LoopWatch` is one."""

    def begin_step(self) -> None: ...

    def end_step(self) -> None: ...


class Stage:
    """The request whose application runs now, or None; and who watches, or None."""

    request: Request | None = None
    watch: Watch | None = None


class Step:
    """Each step of one request's application: `with` it, the step runs."""

    def __init__(self, stage: Stage, request: Request, sink: Sink) -> None:
        self._stage = stage
        self._request = request
        self._sink = sink

    def __enter__(self) -> None:
        self._stage.request = self._request
        if self._stage.watch is not None:
            self._stage.watch.begin_step()
        self._sink.step_began_cpu_s = time.thread_time()
        self._sink.step_began_s = time.monotonic()

    def __exit__(self, *error: object) -> None:
        self._sink.ran_s += time.monotonic() - self._sink.step_began_s
        self._sink.cpu_s += time.thread_time() - self._sink.step_began_cpu_s
        self._sink.step_began_s = 0.0
        if self._stage.watch is not None:
            self._stage.watch.end_step()
        self._stage.request = None


async def in_steps(function: Callable[[], Coroutine[Any, Any, None]], step: Step) -> None:
    """Await what the function returns; `step` is entered and left for each of its steps."""
    await _Steps(function(), step)


class _Steps:
    def __init__(self, coroutine: Coroutine[Any, Any, None], step: Step) -> None:
        self._coroutine = coroutine
        self._step = step

    def __await__(self) -> Generator[Any, Any, None]:
        go_on = partial(self._coroutine.send, None)
        while True:
            try:
                with self._step:
                    awaited = go_on()
            except StopIteration:  # it has returned
                return
            try:
                go_on = partial(self._coroutine.send, (yield awaited))
            except BaseException as error:  # thrown in: a cancellation
                go_on = partial(self._coroutine.throw, error)
