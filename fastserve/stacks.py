"""What is every thread of this process doing?

Asked from a thread of the supervisor's, when the event loop does not answer: what holds it stands on top of
the main thread's stack, and, in one of the frames below, the request for which it does.
"""

from __future__ import annotations

import sys
import threading
import traceback
from types import FrameType

__all__ = ["told"]


def told() -> str:
    """Return the stacks of all threads but the one that asks, the main thread's first."""
    frames = sys._current_frames()
    main = threading.main_thread()
    others = [thread for thread in threading.enumerate() if thread not in (main, threading.current_thread())]
    parts = []
    for thread in (main, *others):
        frame = frames.get(thread.ident or 0)
        if frame is not None:
            request = _request(frame)
            about = f", for the request {request}" if request else ""
            stack = "".join(traceback.format_stack(frame))
            parts.append(f'Thread "{thread.name}"{about} (most recent call last):\n{stack}')
    return "\n".join(parts).rstrip()


def _request(frame: FrameType | None) -> str | None:
    """Return the request that a frame of the application names: the one furthest in, of those around it."""
    while frame is not None:
        scope = frame.f_locals.get("scope")
        if isinstance(scope, dict) and scope.get("type") in ("http", "websocket") and "path" in scope:
            return f"{scope.get('method', 'GET')} {scope['path']!r}"
        frame = frame.f_back
    return None
