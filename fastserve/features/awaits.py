"""What does a suspended coroutine wait for, in the end?

From coroutine to coroutine the interpreter tells; where that ends in a future, the work is done elsewhere:
in other tasks (`asyncio.gather`, task groups, middleware that runs what it wraps in a task) or in a thread.
They are found by what the futures and frames of asyncio and anyio hold, without running any code of the
program, so that it may be done from any thread; what is not found is left out.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future as ThreadFuture
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

__all__ = ["Awaits", "awaits"]

_FRAMES_MAX = 100
_TASKS_MAX = 8
_GROUPS = frozenset(("asyncio.taskgroups", "anyio._backends._asyncio"))
#: The packages whose frames have the tasks in hand that they wait for.
_WAITERS = frozenset(("asyncio", "anyio"))


@dataclass(eq=False, match_args=False)
class Awaits:
    """`frames` of a coroutine and of what it awaits, the outermost first, and where that leads.

    `is_running`: it does not wait at all. `tasks`: those that it waits for, or has begun in a task group.
    `thread`: the identifier of the thread that works for it; `is_queued`: it waits for one.
    """

    frames: list[FrameType] = field(default_factory=list)
    is_running: bool = False
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    thread: int | None = None
    is_queued: bool = False


def awaits(coroutine: Any, threads: Mapping[int, FrameType]) -> Awaits:
    """Follow a coroutine to where it waits. `threads`: the innermost frames of threads, by identifier."""
    found = Awaits()
    last = _walk(coroutine, found)
    if found.is_running:
        return found
    tasks: list[Any] = []
    for frame in found.frames:
        _look_into(frame, tasks, found)
    future = _future(last)
    if future is not None:
        tasks += _tasks([future, getattr(future, "_children", None)])
        _look_behind(future, tasks, threads, found)
    unique = {id(task): task for task in tasks if not task.done() and task.get_coro() is not coroutine}
    found.tasks = [*unique.values()][:_TASKS_MAX]
    return found


def _walk(awaiting: Any, found: Awaits) -> Any:
    """Collect the frames; return what the innermost one awaits."""
    for _ in range(_FRAMES_MAX):
        for kind, following in (("cr", "await"), ("ag", "await"), ("gi", "yieldfrom")):
            if hasattr(awaiting, f"{kind}_frame"):
                frame = getattr(awaiting, f"{kind}_frame")
                if frame is not None:
                    found.frames.append(frame)
                found.is_running = getattr(awaiting, f"{kind}_running")
                awaiting = getattr(awaiting, f"{kind}_{following}")
                break
        else:
            return awaiting
    return None


def _look_into(frame: FrameType, tasks: list[Any], found: Awaits) -> None:
    name = str(frame.f_globals.get("__name__", ""))
    is_waiter = name.partition(".")[0] in _WAITERS
    for value in [*frame.f_locals.values()]:
        kind = type(value)
        if kind.__name__ == "TaskGroup" and kind.__module__ in _GROUPS:
            tasks += _tasks([getattr(value, "_tasks", None)])
        elif is_waiter:
            tasks += _tasks([value])
    if name.startswith("anyio."):
        if frame.f_code.co_name == "run_sync_in_worker_thread":
            found.thread = getattr(frame.f_locals.get("worker"), "ident", None)
        elif frame.f_code.co_name == "acquire_on_behalf_of":
            found.is_queued = True


def _tasks(values: Iterable[Any]) -> Iterator[Any]:
    """The tasks among these and in collections of theirs."""
    for value in values:
        if isinstance(value, asyncio.Task):
            yield value
        elif type(value) in (set, frozenset, list, tuple):
            yield from (one for one in [*value] if isinstance(one, asyncio.Task))


def _future(awaited: Any) -> Any:
    """The future of what `await future` waits on, an iterator that does not tell."""
    held = [awaited, *gc.get_referents(awaited)] if awaited is not None else []
    return next((one for one in held if isinstance(one, asyncio.Future)), None)


def _look_behind(future: Any, tasks: list[Any], threads: Mapping[int, FrameType], found: Awaits) -> None:
    """Look at what asyncio has hung on a future: the task that it shields, or the call in a thread."""
    for callback, _ in getattr(future, "_callbacks", None) or ():
        if not str(getattr(callback, "__module__", "")).startswith("asyncio."):
            continue
        for cell in getattr(callback, "__closure__", None) or ():
            try:
                held = cell.cell_contents
            except ValueError:  # empty
                continue
            tasks += _tasks([held])
            if isinstance(held, ThreadFuture):
                found.thread = _thread_of(held, threads)
                found.is_queued = found.thread is None and not held.running()


def _thread_of(call: ThreadFuture[Any], threads: Mapping[int, FrameType]) -> int | None:
    """Which thread of an executor works on this call."""
    for thread, innermost in threads.items():
        frame: FrameType | None = innermost
        while frame is not None:
            if frame.f_globals.get("__name__") == "concurrent.futures.thread":
                if getattr(frame.f_locals.get("self"), "future", None) is call:  # of _WorkItem.run
                    return thread
                break
            frame = frame.f_back
    return None
