"""How does a request get to a thread, and its answer back to the loop?

Sinks are touched in the loop's thread only: whatever the application's thread has to say becomes a call that
the loop makes, in the order in which it was said.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, cast

from fastserve.reference.logline import complain
from fastserve.reference.seam import Request, Sink, Stream
from fastserve.reference.wsgi.driver import WSGIDriver
from fastserve.reference.wsgi.input import BodyReader
from fastserve.reference.wsgi.pool import Job, Pool
from fastserve.reference.wsgi.response import Call, Fields, Head, Outlet

__all__ = ["ThreadedDriver"]

logger = logging.getLogger("fastserve.error")

_SILENCE_LOOK_MIN_S = 0.02
_SILENCE_LOOK_MAX_S = 5.0
_QUEUE_LINE_S = 1.0  # at most one line about a full queue in this time


class ThreadedDriver(WSGIDriver):
    """Runs a WSGI application in threads. Parameters as WSGIDriver's."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        limits = self.limits
        self.pool = Pool(
            limits.wsgi_threads_min, limits.wsgi_threads,
            limits.wsgi_queue_max, limits.wsgi_thread_idle_timeout_s,
        )  # fmt: skip
        self._queue_line_s = -_QUEUE_LINE_S
        self._timer: asyncio.TimerHandle | None = None

    def open(self, request: Request, sink: Sink) -> Stream:
        return ThreadedStream(self, request, sink)

    def in_loop(self, function: Callable[..., None], *arguments: object) -> None:
        """In any thread: have the loop call this, behind all that it was asked for before."""
        with contextlib.suppress(RuntimeError):  # the loop is closed, and this thread was left behind
            self.loop.call_soon_threadsafe(function, *arguments, context=self.context.copy())

    # ---- threads that are silent ----

    def request_began(self) -> None:
        super().request_began()
        silent_s_max = self.limits.wsgi_thread_timeout_s
        if self._timer is None and silent_s_max > 0:
            look_s = min(max(silent_s_max / 4, _SILENCE_LOOK_MIN_S), _SILENCE_LOOK_MAX_S)
            self._timer = self.loop.call_later(look_s, self._look_at_threads, look_s)

    def _look_at_threads(self, look_s: float) -> None:
        """Tell of those that the server has not heard of for too long."""
        for thread, job in self.pool.running():
            cast(ThreadedStream, job).tell_if_silent(thread, self.limits.wsgi_thread_timeout_s)
        if self.in_flight() > 0:
            self._timer = self.loop.call_later(look_s, self._look_at_threads, look_s)
        else:
            self._timer = None

    def working(self) -> list[tuple[Request, float, str, int | None]]:
        """What the threads are doing, as any other may ask: of each request that one of them works on, when
        it began, whether it "runs" or "waits for its client", and the thread's identifier."""
        running = [(thread, cast(ThreadedStream, job)) for thread, job in self.pool.running()]
        return [
            (
                stream.request,
                stream.sink.began_s,
                "waits for its client" if stream.waits_for_client() else "runs",
                thread.ident,
            )
            for thread, stream in running
        ]

    # ---- too many ----

    def refuse(self, sink: Sink) -> None:
        """The queue is full."""
        now_s = time.monotonic()
        if now_s - self._queue_line_s >= _QUEUE_LINE_S:
            self._queue_line_s = now_s
            logger.warning("%d requests wait for a thread: others are answered by 503", self.pool.queued)
        sink.send_head(503, [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"1")])
        sink.send_data(b"Service Unavailable", False)

    # ---- the end ----

    def cancel_all(self) -> int:
        """Threads cannot be cancelled: their clients are told, and what they wait for from us raises."""
        waiting = [cast(ThreadedStream, job) for job in self.pool.forget_waiting()]
        running = [cast(ThreadedStream, job) for _, job in self.pool.running()]
        for stream in running + waiting:
            stream.cancel()
        for stream in waiting:
            stream.on_ended()
        return len(running) + len(waiting)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.pool.close()
        for thread, job in self.pool.running():
            message = "Thread %s is left behind in the application; it ends with the process:\n%s"
            complain(cast(ThreadedStream, job).request, message, thread.name, _stack_of(thread))


class ThreadedStream(Stream, Outlet, Job):
    """One request, its body and its answer on their way between two threads."""

    def __init__(self, driver: ThreadedDriver, request: Request, sink: Sink) -> None:
        self.request = request
        self._driver = driver
        self.sink = sink
        self._body = BodyReader(driver.limits.read_buffer_bytes_max, self._ask_for_body)
        self._body_ended = False
        self._changed = threading.Condition()  # around the two words below, and `over`
        self._waiting_bytes = 0  # given, and not written yet
        self._stalled = False  # the client does not take what is written
        self._waits_for_room = False
        self._heard_s = 0.0  # when the application last gave, or asked for, anything
        self._is_reported = False

    # ---- from the protocol, in the loop's thread ----

    def push_body(self, data: bytes) -> None:
        if not self.over:
            was_full = self._body.is_full
            self._body.push(data)
            if self._body.is_full and not was_full:
                self.sink.pause_body()

    def end_body(self) -> None:
        self._body_ended = True
        self._body.end()

    def start(self) -> None:
        self.started = True
        if self._driver.pool.submit(self):
            self._driver.request_began()
        else:
            self.over = True
            self._driver.refuse(self.sink)

    def disconnect(self) -> None:
        if self.sink.disconnected or self.sink.finished:  # who has shut its side only is told its answer
            self._enter_over()

    def _enter_over(self) -> None:
        self._body.lose()
        with self._changed:
            self.over = True
            self._changed.notify()

    def cancel(self) -> None:
        """The server ends, and does not wait for the answer."""
        self.sink.fail(503)
        self._enter_over()

    def tell_if_silent(self, thread: threading.Thread, silent_s_max: float) -> None:
        """A line with the stack of the thread that has said nothing for so long, once."""
        if self.waits_for_client():
            self._heard_s = time.monotonic()
        silent_s = time.monotonic() - self._heard_s
        if silent_s >= silent_s_max and not self._is_reported:
            self._is_reported = True
            message = "Thread %s has been in the application for %.1f s and has sent nothing:\n%s"
            complain(self.request, message, thread.name, silent_s, _stack_of(thread))

    def waits_for_client(self) -> bool:
        return self._waits_for_room or self._body.is_waited_for

    # ---- the application's thread ----

    def work(self) -> None:
        self._heard_s = time.monotonic()
        self._driver.context.copy().run(self._call)
        self.ended = True
        self._driver.in_loop(self.on_ended)

    def _call(self) -> None:
        call = Call(self._driver.app, self.request, self)
        body = io.BufferedReader(self._body)
        environ = self._driver.environs.make(self.request, body, call.early_hints)
        for _ in call.run(environ):
            self.wait_for_room()

    def give(self, head: Head | None, data: bytes, more: bool) -> None:
        self._heard_s = time.monotonic()
        with self._changed:
            self._waiting_bytes += len(data)
        self._driver.in_loop(self._deliver, head, data, more)

    def give_early_hints(self, fields: Fields) -> None:
        self._driver.in_loop(self._deliver_early_hints, fields)

    def give_up(self) -> None:
        self._driver.in_loop(self.sink.fail, 500)  # behind what it has sent

    def wait_for_room(self) -> None:
        with self._changed:
            self._waits_for_room = True
            self._changed.wait_for(self._has_room)
            self._waits_for_room = False
        self._heard_s = time.monotonic()

    def _has_room(self) -> bool:
        is_much = self._waiting_bytes > self._driver.limits.write_buffer_bytes_max
        return self.over or not (is_much or self._stalled)

    def _ask_for_body(self) -> None:
        self._heard_s = time.monotonic()
        self._driver.in_loop(self._hear_body_wish)

    # ---- in the loop's thread, what the application's thread has asked for ----

    def _deliver(self, head: Head | None, data: bytes, more: bool) -> None:
        sink = self.sink
        if not sink.finished:
            try:
                if head is not None:
                    sink.send_head(*head)
                sink.send_data(data, more)
            except Exception as error:  # the sink refuses what the application said
                complain(self.request, "Exception in WSGI application", exc_info=error)
                sink.fail(500)
                self._enter_over()
        if sink.finished:
            self._body.lose()  # what is still to come of the body goes to nobody
        with self._changed:
            self._waiting_bytes -= len(data)
            if not (sink.finished or self._stalled or sink.writable()):
                self._stalled = True
                sink.wait_writable().add_done_callback(self._on_writable)
            self._changed.notify()

    def _on_writable(self, _: object) -> None:
        """The client has caught up, or is gone."""
        with self._changed:
            self._stalled = False
            self._changed.notify()

    def _deliver_early_hints(self, fields: Fields) -> None:
        if not self.sink.finished:
            self.sink.send_informational(103, fields)

    def _hear_body_wish(self) -> None:
        if not self.sink.finished:
            if not self._body_ended:
                self.sink.body_wanted()
            if not self._body.is_full:
                self.sink.resume_body()

    def on_ended(self) -> None:
        """The application has come to its end, or will not be called."""
        self._body.lose()
        self._driver.request_ended()


def _stack_of(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    return "".join(traceback.format_stack(frame)).rstrip() if frame is not None else "(no stack)"
