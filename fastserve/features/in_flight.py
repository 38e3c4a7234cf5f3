"""Which requests are being worked on, and where are they?

For somebody who asks while something hangs: it may be asked from any thread, also while the event loop
stands still.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from fastserve.features.stack import Moment, Stack, stack_of

__all__ = ["requests_in_flight"]

#: So many are told, the oldest first, and of each so many of the user's frames.
_REQUESTS_MAX = 100
_FRAMES_MAX = 8
_AWAITS_MAX = 100


def requests_in_flight(driver: Any, loop_thread: int) -> list[dict[str, Any]]:
    """Return what is to be told of each request of this driver, in what JSON can hold.

    `age_s` is None where nobody notes when requests begin. `where` are the places at which the application
    waits or runs, the innermost first. `loop_thread` is the identifier of the event loop's thread.
    """
    now_s = time.monotonic()
    found = sorted(driver.working(), key=lambda one: one[1])[:_REQUESTS_MAX]
    return [
        {
            "method": request.method,
            "path": request.path,
            "client": None if request.client is None else f"{request.client[0]}:{request.client[1]}",
            "request_id": request.request_id,
            "age_s": round(now_s - began_s, 3) if began_s else None,
            "doing": doing,
            "where": _where(_stack(doing, at, loop_thread)),
        }
        for request, began_s, doing, at in found
    ]


def _stack(doing: str, at: Any, loop_thread: int) -> Stack:
    """`at` is a coroutine, or the identifier of the thread that works on the request."""
    if doing == "runs" or isinstance(at, int):
        thread = at if isinstance(at, int) else loop_thread
        return Moment(sys._current_frames().get(thread)).stack()
    return stack_of([*_awaited(at)][::-1])


def _awaited(awaiting: Any) -> Iterator[FrameType]:
    """The frames of a coroutine and of what it waits for, the outermost first."""
    for _ in range(_AWAITS_MAX):
        for kind, following in (("cr", "await"), ("ag", "await"), ("gi", "yieldfrom")):
            if hasattr(awaiting, f"{kind}_frame"):
                frame = getattr(awaiting, f"{kind}_frame")
                if frame is not None:
                    yield frame
                awaiting = getattr(awaiting, f"{kind}_{following}")
                break
        else:
            return


def _where(stack: Stack) -> list[str]:
    return [f"{place}: {place.text}" if place.text else str(place) for place in stack.told[:_FRAMES_MAX]]
