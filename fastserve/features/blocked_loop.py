"""Who tells that something holds the event loop, and what?

`LoopWatch` finds that the loop does not move on; here a thread of Python's takes the stack of the loop's
thread while it is so, and writes one line once it is over, or while it goes on and on.

What holds the loop may hold the interpreter as well. Code that computes in Python gives the interpreter's
lock up when this thread asks for it, within milliseconds. C code that keeps the lock does not; then this
thread comes as soon as the call returns, before the caller's next instruction, so that the stack still is the
caller's. For a call that never returns, csrc/watch.c has a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, NamedTuple

from fastserve.features.advice import LOCK_KEPT_S, advice, is_debugger
from fastserve.features.stack import Moment, Stack
from fastserve.loop_watch import LoopWatch

__all__ = ["BlockedLoop"]

#: Of the user's frames, as many as this are told.
_FRAMES_MAX = 4
#: A hold of so many thresholds is told of before it is over.
_LONG_THRESHOLDS = 8
#: Lines: so many at once, then one for so much time.
_LINES_AT_ONCE = 10
_LINE_INTERVAL_S = 10.0
_JOIN_TIMEOUT_S = 1.0


class _Event(NamedTuple):
    """What `LoopWatch.next_event` returns."""

    kind: str
    held_s: float
    wall_s: float
    cpu_s: float
    lock_s: float
    moves: int


@dataclass(eq=False, repr=False, match_args=False)
class _Hold:
    """One hold, as it was found: who it is, and where the thread of the loop was, and other threads."""

    who: str
    serves: str
    stack: Stack
    others: list[str]
    waiting: int
    lock_s: float
    is_silent: bool


class BlockedLoop:
    """Watches one event loop. To be made, started and closed on the loop's thread.

    `stepping()` returns the request whose application runs, or None; `waiting()` how many clients wait;
    `interface`, "asgi" or "wsgi", is the application's.
    `holds` counts those that lasted for the threshold, `held_s` adds their time up.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        watch: LoopWatch,
        stepping: Callable[[], Any],
        waiting: Callable[[], int],
        logger: logging.Logger,
        interface: str = "asgi",
    ) -> None:
        self.holds = 0
        self.held_s = 0.0
        self._loop = loop
        self._watch = watch
        self._stepping = stepping
        self._waiting = waiting
        self._logger = logger
        self._interface = interface
        self._beat_s = watch.threshold_s / 4
        self._timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._run, name="fastserve-blocked-loop", daemon=True)
        self._loop_thread = threading.get_ident()
        self._outer_count = 0
        self._lines = float(_LINES_AT_ONCE)
        self._lines_at_s = time.monotonic()
        self._left_out = 0

    def start(self) -> None:
        """Raises OSError or RuntimeError if there can be no thread or no pipe."""
        self._watch.start()
        try:
            self._thread.start()
        except RuntimeError:
            self._watch.stop()
            while self._watch.next_event() is not None:
                pass
            raise
        self._timer = self._loop.call_later(0, self._beat)

    def close(self) -> None:
        """End the thread and the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._thread.is_alive():
            self._watch.stop()
            # Not for ever: it may be writing to a log that takes nothing.
            self._thread.join(_JOIN_TIMEOUT_S)

    def _beat(self) -> None:
        """On the loop: show that it moves, and note which frames are below what it runs."""
        self._watch.beat()
        frame: FrameType | None = sys._getframe()
        count = -1
        while frame is not None:
            count += 1
            frame = frame.f_back
        self._outer_count = count
        self._timer = self._loop.call_later(self._beat_s, self._beat)

    # ---- on the other thread

    def _run(self) -> None:
        hold: _Hold | None = None
        while (event := self._watch.next_event()) is not None:
            try:
                hold = self._take(hold, _Event(*event))
            except Exception:
                self._logger.exception("What holds the event loop could not be told")

    def _take(self, hold: _Hold | None, event: _Event) -> _Hold | None:
        if hold is None:
            hold = self._look(event)
        elif event.kind != "released":
            hold.waiting = max(hold.waiting, self._waiting())
            hold.lock_s = max(hold.lock_s, event.lock_s)
        if event.kind == "released":
            self.holds += 1
            self.held_s += event.held_s
            self._tell(hold, "held the event loop for", event)
            return None
        if event.held_s >= _LONG_THRESHOLDS * self._watch.threshold_s:
            self._tell(hold, "still holds the event loop, for", event)
        return hold

    def _look(self, event: _Event) -> _Hold:
        frames = sys._current_frames()
        moment = Moment(frames.pop(self._loop_thread, None), self._outer_count)
        stepping = self._stepping()
        del frames[threading.get_ident()]
        others = [Moment(frame) for frame in frames.values()] if event.lock_s >= LOCK_KEPT_S else []
        del frames
        who = self._task()
        if self._watch.moves != event.moves:
            # The loop went on before this thread came. Who kept the interpreter may still be there.
            moment, stepping, who = Moment(None), None, "Something"
        stack = moment.stack()
        request = (stepping.method, stepping.path) if stepping is not None else stack.request
        if request is not None:
            who = f"{request[0]} {_printable(request[1])}"
        elsewhere = [stack.told[0] for stack in (other.stack() for other in others) if stack.told]
        serves = self._interface if request is not None else ""
        return _Hold(
            who, serves, stack, [str(place) for place in elsewhere if place.is_users],
            self._waiting(), event.lock_s, is_debugger(stack),
        )  # fmt: skip

    def _task(self) -> str:
        with contextlib.suppress(RuntimeError):
            task = asyncio.current_task(self._loop)
            if task is not None:
                name = getattr(task.get_coro(), "__qualname__", "")
                return f"Task {task.get_name()!r} ({name})"
        return "A callback"

    def _tell(self, hold: _Hold, what: str, event: _Event) -> None:
        if hold.is_silent or not self._may_write():
            return
        left_out = f" ({self._left_out} such lines left out)" if self._left_out else ""
        self._left_out = 0
        duration = f"{event.wall_s * 1000:,.0f} ms"
        if event.wall_s > 1.5 * event.held_s:
            duration += f" ({(event.wall_s - event.held_s) * 1000:,.0f} ms of them without a processor)"
        where = _where(hold.stack, _FRAMES_MAX)
        text = advice(hold.stack, event.held_s, event.cpu_s, hold.lock_s, hold.serves, hold.others)
        self._logger.warning(
            "%s %s %s%s; other requests waited: %d. %s%s",
            hold.who, what, duration, f": {where}" if where else "", hold.waiting, text, left_out,
        )  # fmt: skip

    def _may_write(self) -> bool:
        now_s = time.monotonic()
        self._lines = min(_LINES_AT_ONCE, self._lines + (now_s - self._lines_at_s) / _LINE_INTERVAL_S)
        self._lines_at_s = now_s
        if self._lines < 1:
            self._left_out += 1
            return False
        self._lines -= 1
        return True


def _where(stack: Stack, frames_max: int) -> str:
    told = stack.told[:frames_max]
    if not told:
        return ""
    text = f"{told[0]}: {told[0].text}" if told[0].text else str(told[0])
    return text + (f", called by {', '.join(map(str, told[1:]))}" if len(told) > 1 else "")


def _printable(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")
