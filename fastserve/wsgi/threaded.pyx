"""How does a request get to a thread, and its answer back to the loop?

The application's thread leaves what it has to say in its stream and puts the stream among the driver's posts; the
first post wakes the loop, which then settles all that have come by that time, in a row. Sinks are touched in the loop's
thread only. What both threads use they use under the global interpreter lock, a few words at a time: importing these
modules makes a free-threaded CPython turn that on.
"""

import logging
import sys
import traceback
from collections import deque

from cpython.bytes cimport PyBytes_GET_SIZE

from fastserve.csrc.clock cimport fs_monotonic_s
from fastserve.stream.file_range cimport FileRange
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream
from fastserve.wsgi.driver cimport WSGIDriver
from fastserve.wsgi.input cimport Input
from fastserve.wsgi.parking cimport Parking
from fastserve.wsgi.pool cimport Job, Pool, Worker
from fastserve.wsgi.response cimport EarlyHints
from fastserve.wsgi.times cimport ThreadClock, Times

logger = logging.getLogger("fastserve.error")

cdef double SILENCE_LOOK_MIN_S = 0.02
cdef double SILENCE_LOOK_MAX_S = 5.0
cdef double QUEUE_LINE_S = 1.0  # at most one line about a full queue in this time
cdef list RETRY_FIELDS = [(b"content-type", b"text/plain; charset=utf-8"), (b"retry-after", b"1")]


cdef class ThreadedDriver(WSGIDriver):
    """Runs a WSGI application in threads. Parameters as WSGIDriver's."""

    def __init__(self, app, loop, context, limits):
        WSGIDriver.__init__(self, app, loop, context, limits)
        self.read_buffer_bytes_max = limits.read_buffer_bytes_max
        self.write_buffer_bytes_max = limits.write_buffer_bytes_max
        self.silent_s_max = limits.wsgi_thread_timeout_s
        self.posts = []
        self.callback = self.take_posts
        self.queue_line_s = -QUEUE_LINE_S
        self.pool = Pool(limits.wsgi_threads_min, limits.wsgi_threads, limits.wsgi_queue_max,
                         limits.wsgi_thread_idle_timeout_s)

    cdef Stream open(self, Request request, Sink sink):
        cdef ThreadedStream stream = ThreadedStream.__new__(ThreadedStream)
        stream.driver = self
        stream.request = request
        stream.sink = sink
        return stream

    # ---- turns of the loop ----

    cdef int begin_turn(self) except -1:
        self.pool.gathering = True
        return 0

    cdef int end_turn(self) except -1:
        return self.pool.end_turn()

    # ---- from the threads ----

    cdef int post(self, ThreadedStream stream) except -1:
        """In any thread: have the loop settle this stream."""
        if not stream.posted:
            stream.posted = True
            self.posts.append(stream)
        try:
            self.call()
        except RuntimeError:
            pass  # the loop is closed: a thread that was left behind has come to its end
        return 0

    cdef int call(self) except -1:
        """In any thread: have the loop come. Raises RuntimeError where it is closed."""
        if not self.is_called:
            self.is_called = True
            self.loop.call_soon_threadsafe(self.callback)
        return 0

    def take_posts(self):
        """Do what the threads have asked for. The loop calls it."""
        cdef ThreadedStream stream
        cdef list posts
        self.is_called = False
        posts, self.posts = self.posts, []
        self.pool.look_after()
        for stream in posts:
            stream.posted = False
            try:
                stream.settle()
            except Exception:
                logger.exception("A request of a thread could not be settled; it is given up")
                stream.sink.abort()

    # ---- threads that are silent ----

    cdef int watch(self) except -1:
        if self.timer is None and self.silent_s_max > 0:
            look_s = min(max(self.silent_s_max / 4, SILENCE_LOOK_MIN_S), SILENCE_LOOK_MAX_S)
            self.timer = self.loop.call_later(look_s, self.look_at_threads)
        return 0

    def look_at_threads(self):
        """Tell of those that the server has not heard of for too long. The loop's timer calls it."""
        cdef Worker worker
        cdef double now_s = fs_monotonic_s()
        self.timer = None
        for worker in self.pool.running():
            job = worker.job
            if job is None or job.is_reported or now_s - job.heard_s < self.silent_s_max:
                continue
            if job.waits_for_client():
                job.heard_s = now_s
                continue
            job.is_reported = True
            job.complain("Thread %s has been in the application for %.1f s and has sent nothing:\n%s",
                         worker.thread.name, now_s - job.heard_s, stack_of(worker.thread))
        if self.running > 0:
            self.watch()

    def working(self):
        """What the threads are doing, as any other may ask: ``(request, began_s, doing, thread's identifier)`` of
        each request that one of them works on, or will. ``doing`` is ``runs``, ``waits for its client`` or, without an
        identifier, ``waits for a thread``."""
        cdef Worker worker
        cdef Job job
        found = []
        for worker in self.pool.running():
            job = worker.job
            if job is not None and job.sink is not None:
                doing = "waits for its client" if job.waits_for_client() else "runs"
                found.append((job.request, job.sink.began_s, doing, worker.thread.ident))
        job = self.pool.first
        while job is not None:
            if job.sink is not None:
                found.append((job.request, job.sink.began_s, "waits for a thread", None))
            job = job.following
        return found

    # ---- too many ----

    cdef int refuse(self, ThreadedStream stream) except -1:
        """The queue is full."""
        cdef double now_s = fs_monotonic_s()
        stream.over = True
        if stream.input is not None:
            stream.input.stream = None
        if now_s - self.queue_line_s >= QUEUE_LINE_S:
            self.queue_line_s = now_s
            logger.warning("%d requests wait for a thread: others are answered by 503", self.pool.queued)
        stream.sink.send_head(503, RETRY_FIELDS)
        return stream.sink.send_data(b"Service Unavailable", False)

    # ---- the end ----

    cpdef int cancel_all(self) except -1:
        """Threads cannot be cancelled: their clients are told, and what they wait for from the server raises."""
        cdef ThreadedStream stream
        cdef Worker worker
        cdef list streams = [(<Worker>worker).job for worker in self.pool.running()]
        for stream in self.pool.forget_waiting():
            stream.ended = True
            streams.append(stream)
        for stream in streams:
            stream.answer_failure(503)
            stream.enter_over()
            if stream.ended:
                stream.settle()
        return len(streams)

    cpdef int close(self) except -1:
        cdef Worker worker
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        self.pool.close()
        for worker in self.pool.running():
            job = worker.job
            if job is not None:
                job.complain("Thread %s is left behind in the application; it ends with the process:\n%s",
                             worker.thread.name, stack_of(worker.thread))
        return 0


cdef str stack_of(object thread):
    frame = sys._current_frames().get(thread.ident)
    return "".join(traceback.format_stack(frame)).rstrip() if frame is not None else "(no stack)"


cdef class ThreadInput(Input):
    """``wsgi.input`` of a request in a thread."""

    cdef bint has_data(self, Py_ssize_t wanted_bytes) except -1:
        cdef Times times = self.stream.times if self.stream is not None else None
        if times is None or self.held_bytes > 0:
            return Input.has_data(self, wanted_bytes)
        times.parks(True)
        try:
            return Input.has_data(self, wanted_bytes)
        finally:
            times.unparked()

    cdef int ask(self) except -1:
        cdef ThreadedStream stream = self.stream
        if stream is not None:
            stream.heard_s = fs_monotonic_s()
            stream.asked = True
            stream.driver.post(stream)
        return 0


cdef class ThreadedStream(Job):
    """One request, its body and its answer on their way between two threads."""

    # ---- from the protocol, in the loop's thread ----

    cdef int push_body(self, bytes data) except -1:
        cdef bint was_paused
        if self.ended or self.over:
            return 0
        if self.input is None:
            self.open_input()
        was_paused = self.input.paused
        self.hear_client()
        self.input.push(data)
        if self.input.paused and not was_paused:
            self.sink.pause_body()
        return 0

    cdef int open_input(self) except -1:
        self.input = ThreadInput.__new__(ThreadInput)
        self.input.held_bytes_max = self.driver.read_buffer_bytes_max
        self.input.stream = self
        return 0

    cdef int end_body(self) except -1:
        self.body_ended = True
        self.hear_client()
        return 0 if self.input is None else self.input.end()

    cdef int start(self) except -1:
        if self.input is None and not self.body_ended:
            self.open_input()
        if self.driver.timed:
            self.times = Times()
            self.times.submitted()
        if not self.driver.pool.submit(self):
            return self.driver.refuse(self)
        self.is_counted = True
        self.driver.running += 1
        return self.driver.watch()

    cdef int disconnect(self) except -1:
        # A client that has shut its side only is told its answer all the same.
        return self.enter_over() if self.sink.disconnected or self.sink.finished else 0

    cdef int enter_over(self) except -1:
        self.over = True
        if self.input is not None:
            self.input.lose()
        if self.room is not None:
            self.room.unpark()
        return 0

    # ---- the application's thread ----

    cdef int work(self, Worker worker) except -1:
        # Here and not where the request came: a burst's environs together are more than a processor's caches hold.
        if worker.environs is None:
            worker.environs = self.driver.make_environs()
        if self.times is not None:
            if worker.clock is None:
                worker.clock = ThreadClock()
            self.times.taken(worker.clock)
        return self.run(self.driver, worker.environs.make(self.request, self.input, EarlyHints.of(self)))

    cdef int call_loop(self) except -1:
        return self.driver.call()

    cdef bint waits_for_client(self) except -1:
        return (self.room is not None and self.room.parked) or (
            self.input is not None and self.input.parking is not None and self.input.parking.parked)

    cdef int hear_client(self) except -1:
        # A thread that waited for its client is silent from now on, and not from the time when its wait began: it
        # may run a good while later.
        if self.waits_for_client():
            self.heard_s = fs_monotonic_s()
        return 0

    cdef int give(self, bytes data, bint more) except -1:
        if not self.head_passed and self.block is None:
            self.block = data
            self.is_whole = not more
        elif PyBytes_GET_SIZE(data) == 0:
            pass  # the end, and no more
        elif self.blocks is None:
            self.blocks = deque((data,))
        else:
            self.blocks.append(data)
        self.waiting_bytes += PyBytes_GET_SIZE(data)
        if not more:
            self.given_all = True
            if self.times is not None:
                self.times.done()
        if self.is_last:
            self.ended = True
        else:
            self.heard_s = fs_monotonic_s()
        return self.driver.post(self)

    cdef bint give_file(self, FileRange file) except -1:
        """The loop sends it; this thread waits, to close it."""
        self.file = file
        self.sends_file = True
        self.room = Parking()
        self.driver.post(self)
        if self.times is not None:
            self.times.parks(False)
        while self.sends_file and not self.over:
            self.room.park(0)
        if self.times is not None:
            self.times.unparked()
        self.heard_s = fs_monotonic_s()
        return True

    cdef int give_early_hints(self, list fields) except -1:
        if self.hints is None:
            self.hints = []
        self.hints.append(fields)
        return self.driver.post(self)

    cdef int give_up(self) except -1:
        self.failed = True
        return 0

    cdef bint go_on(self) except -1:
        self.wait_for_room()
        return True

    cdef int wait_for_room(self) except -1:
        if self.waiting_bytes <= self.driver.write_buffer_bytes_max and not self.stalled:
            return 0
        if self.room is None:
            self.room = Parking()
        if self.times is not None:
            self.times.parks(False)
        while not self.over and (self.waiting_bytes > self.driver.write_buffer_bytes_max or self.stalled):
            self.room.park(0)
        if self.times is not None:
            self.times.unparked()
        self.heard_s = fs_monotonic_s()
        return 0

    cdef int finish(self) except -1:
        if self.ended:
            return 0  # which was said with the last block
        if self.times is not None:
            self.times.done()
        self.ended = True
        return self.driver.post(self)

    # ---- the loop's thread ----

    cdef int settle(self) except -1:
        """Pass on what the application's thread has left here."""
        cdef Sink sink = self.sink
        sink.cork()
        try:
            try:
                self.deliver()
            except Exception as error:  # the sink refuses what the application said
                self.forget_blocks()
                self.complain("Exception in WSGI application", exc_info=error)
                self.answer_failure(500)
                self.enter_over()
        finally:
            sink.uncork()
        if self.ended and self.is_counted:
            self.is_counted = False
            if self.input is not None:
                self.input.stream = None
                self.input.lose()
            self.driver.request_ended()
        return 0

    cdef int deliver(self) except -1:
        cdef Sink sink = self.sink
        cdef bytes data
        cdef list hints
        if self.asked and not sink.finished:
            self.asked = False
            self.hear_body_wish()
        if self.hints is not None and not sink.finished:
            hints, self.hints = self.hints, None
            for fields in hints:
                sink.send_informational(103, fields)
        if self.stalled and not self.failed:
            return 0
        if self.sends_file:
            self.deliver_file()
        if self.block is not None and not sink.finished:
            data, self.block = self.block, None
            self.head_passed = True
            sink.send_checked_head(self.head)
            self.deliver_block(data, not self.is_whole)
        while self.blocks is not None and not self.stalled and not sink.finished:
            data = self.blocks.popleft()
            if not self.blocks:
                self.blocks = None
            self.deliver_block(data, True)
        if self.given_all and self.head_passed and self.blocks is None and not self.stalled and not sink.finished:
            sink.send_data(b"", False)
        if self.failed and not self.given_all:
            self.answer_failure(500)  # behind what it has sent: whether that is out by now is chance
        if sink.finished:
            self.forget_blocks()
            if self.input is not None:
                self.input.lose()  # what is still to come of the body goes to nobody
        if self.room is not None and (sink.finished or not self.stalled):
            self.hear_client()
            self.room.unpark()
        return 0

    cdef int deliver_file(self) except -1:
        """Begin to send it, or hear that it is sent."""
        cdef Sink sink = self.sink
        cdef FileRange file = self.file
        if file is not None and not sink.finished:
            self.head_passed = True
            sink.send_checked_head(self.head)
            sink.send_file(file)
            if not sink.finished:
                self.stalled = True
                sink.wait_writable().add_done_callback(self.resume_writing)
        self.file = None
        self.sends_file = not sink.finished
        return 0

    cdef int deliver_block(self, bytes data, bint more) except -1:
        cdef Sink sink = self.sink
        self.waiting_bytes -= PyBytes_GET_SIZE(data)
        sink.send_data(data, more)
        if more and not sink.writable():
            self.stalled = True
            if self.times is not None:
                self.times.stalled()
            sink.wait_writable().add_done_callback(self.resume_writing)
        return 0

    def resume_writing(self, future):
        """The client has caught up, or is gone."""
        self.stalled = False
        if self.times is not None:
            self.times.caught_up()
        self.settle()

    cdef int hear_body_wish(self) except -1:
        cdef Sink sink = self.sink
        if not self.body_ended:
            sink.body_wanted()
        return 0 if self.input.paused else sink.resume_body()

    cdef int note_times(self) except -1:
        return self.times.note(self.sink) if self.times is not None else 0

    cdef int answer_failure(self, int status) except -1:
        """No answer will come from the application: the server's own, if none of it is out yet, or a broken end."""
        cdef Sink sink = self.sink
        if sink.finished:
            return 0
        return sink.abort() if sink.head_sent() else sink.send_error(status)

    cdef int forget_blocks(self) except -1:
        self.block = self.blocks = self.file = None
        self.waiting_bytes = 0
        return 0
