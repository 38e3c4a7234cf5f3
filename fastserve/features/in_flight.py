"""Which requests are being worked on, and where are they?

For somebody who asks while something hangs: it may be asked from any thread, also while the event loop
stands still.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import Any

from fastserve.features.awaits import awaits
from fastserve.features.stack import Moment, Stack, stack_of

__all__ = ["requests_in_flight"]

#: So many are told, the oldest first, and of each so many of the user's frames.
_REQUESTS_MAX = 100
_FRAMES_MAX = 8
#: Tasks that wait for tasks are followed so far.
_DEPTH_MAX = 8
#: What it may raise to look at what goes on meanwhile: it has no place to tell, and the others have.
_GOES_ON = (RuntimeError, AttributeError, ValueError)


def requests_in_flight(driver: Any, loop_thread: int) -> list[dict[str, Any]]:
    """Return what is to be told of each request of this driver, in what JSON can hold.

    `age_s` is None where nobody notes when requests begin. `where` are the places at which the application
    waits or runs, the innermost first. `loop_thread` is the identifier of the event loop's thread.
    """
    now_s = time.monotonic()
    found = sorted(driver.working(), key=lambda one: one[1])[:_REQUESTS_MAX]
    look = _Look(loop_thread)
    told = []
    for request, began_s, doing, at in found:
        doing, where = look.at(doing, at)
        client = None if request.client is None else f"{request.client[0]}:{request.client[1]}"
        told.append(
            {
                "method": request.method,
                "path": request.path,
                "client": client,
                "request_id": request.request_id,
                "age_s": round(now_s - began_s, 3) if began_s else None,
                "doing": doing,
                "where": where[:_FRAMES_MAX],
            }
        )
    return told


class _Look:
    """One look at all threads and tasks."""

    def __init__(self, loop_thread: int) -> None:
        self._loop_thread = loop_thread
        self._threads = sys._current_frames()
        self._threads.pop(threading.get_ident())  # our own, which holds this

    def at(self, doing: str, at: Any) -> tuple[str, list[str]]:
        """What a request is doing, and where. `at` is a coroutine, the identifier of a thread, or None."""
        if doing == "runs" or isinstance(at, int):
            return doing, _places(self._running(at if isinstance(at, int) else self._loop_thread))
        try:
            stack, children, better = self._follow(at, set())
        except _GOES_ON:
            return doing, []
        own = _places(stack) if _has_own(stack) or not children else ()
        return better if better and doing == "suspended" else doing, [*children, *own]

    def _running(self, thread: int) -> Stack:
        return Moment(self._threads.get(thread)).stack()

    def _follow(self, coroutine: Any, seen: set[int]) -> tuple[Stack, list[str], str]:
        """Its own stack; the places of what works for it; and what that is doing, or ""."""
        seen.add(id(coroutine))
        found = awaits(coroutine, self._threads)
        own = stack_of(found.frames[::-1])
        if found.is_running and self._loop_thread in self._threads:
            return self._running(self._loop_thread), [], "runs"
        if found.thread is not None:
            running = self._running(found.thread)
            return own, _places(running) if _has_own(running) else [], "runs in a thread"
        places: list[str] = []
        doing = "waits for a thread" if found.is_queued else ""
        tasks = [task for task in found.tasks if id(task.get_coro()) not in seen]
        for task in tasks if len(seen) < _DEPTH_MAX else ():
            with contextlib.suppress(*_GOES_ON):
                stack, inner, its = self._follow(task.get_coro(), seen)
                lines = [*inner, *(_places(stack) if _has_own(stack) or its == "runs" else ())]
                if lines and len(tasks) > 1:
                    lines[0] = f"task {task.get_name()!r}: {lines[0]}"
                places += lines
                doing = its if its == "runs" or not doing else doing
        return own, places, doing


def _has_own(stack: Stack) -> bool:
    return any(place.is_users for place in stack.places)


def _places(stack: Stack) -> list[str]:
    return [f"{place}: {place.text}" if place.text else str(place) for place in stack.told]
