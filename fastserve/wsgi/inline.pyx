"""How is a WSGI request served in the loop's own thread? (``--wsgi-threads 0``)

Nothing is handed over, which makes it the fastest way, and nobody else is served meanwhile. The application may not
wait for the client there, so it begins when its request is complete; between two blocks of its answer the loop has a
turn, a longer one where the client is slow.
"""

import io
import logging
import tempfile

from cpython.bytes cimport PyBytes_GET_SIZE

from fastserve.csrc.clock cimport fs_exact_s
from fastserve.csrc.cpu cimport fs_step_begin, fs_step_end
from fastserve.csrc.watch cimport fs_watch, fs_watch_begin, fs_watch_end
from fastserve.loop_watch cimport LoopWatch
from fastserve.stream.file_range cimport FileRange
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream
from fastserve.wsgi.driver cimport WSGIDriver
from fastserve.wsgi.response cimport EarlyHints, Response

logger = logging.getLogger("fastserve.error")


cdef class InlineDriver(WSGIDriver):
    """Runs a WSGI application in the loop's thread. Parameters as WSGIDriver's."""

    def __init__(self, app, loop, context, limits):
        WSGIDriver.__init__(self, app, loop, context, limits)
        self.environs = self.make_environs()
        self.body_memory_bytes_max = limits.wsgi_body_memory_bytes_max
        self.suspended = set()

    cdef Stream open(self, Request request, Sink sink):
        cdef InlineStream stream = InlineStream.__new__(InlineStream)
        stream.driver = self
        stream.request = request
        stream.sink = sink
        return stream

    def set_watch(self, LoopWatch watch):
        """As ASGIDriver's."""
        self.watch = watch
        self.mark = NULL if watch is None else &watch.mark

    def stepping(self):
        """As ASGIDriver's."""
        if self.mark == NULL or self.mark.holder == NULL:
            return None
        return (<InlineStream>self.mark.holder).request

    def working(self):
        """What the requests in hand are doing, as any thread may ask: ``(request, began_s, doing, None)`` of each.
        ``doing`` is one of ``runs``, ``suspended`` (it has its turn again soon) and ``waits for its client``."""
        cdef InlineStream stream
        found = []
        if self.mark != NULL and self.mark.holder != NULL:
            stream = <InlineStream>self.mark.holder
            found.append((stream.request, stream.sink.began_s, "runs", None))
        for stream in list(self.suspended):
            doing = "suspended" if stream.sink.writable() else "waits for its client"
            found.append((stream.request, stream.sink.began_s, doing, None))
        return found

    cpdef int cancel_all(self) except -1:
        cdef InlineStream stream
        cdef list streams = list(self.suspended)
        for stream in streams:
            stream.cancel()
        return len(streams)


cdef class InlineStream(Response):
    """One request in the loop's thread."""

    # ---- from the protocol ----

    cdef int push_body(self, bytes data) except -1:
        if self.over:
            return 0
        try:
            return self.keep_body(data)
        except OSError as error:
            self.over = True
            self.body = None
            logger.error("A request's body cannot be kept: %s", error)
            return self.sink.send_error(500)

    cdef int keep_body(self, bytes data) except -1:
        """In memory, or in a file that has no name."""
        self.body_bytes += PyBytes_GET_SIZE(data)
        if self.body is None:
            self.body = io.BytesIO()
        if self.body_bytes > self.driver.body_memory_bytes_max and not self.body_in_file:
            file = tempfile.TemporaryFile(prefix="fastserve-body-")
            file.write(self.body.getbuffer())
            self.body = file
            self.body_in_file = True
        self.body.write(data)
        return 0

    cdef int end_body(self) except -1:
        self.body_ended = True
        return self.begin() if self.started else 0

    cdef int start(self) except -1:
        self.started = True
        if self.body_ended:
            return self.begin()
        if self.driver.timed:
            self.body_asked_s = fs_exact_s()
        return self.sink.body_wanted()

    cdef int disconnect(self) except -1:
        if not (self.sink.disconnected or self.sink.finished):
            return 0  # a client that has shut its side only is told its answer all the same
        self.over = True
        if self in self.driver.suspended:
            self.proceed()  # which closes what the application returned
        elif not self.begun:
            self.body = None
        return 0

    # ---- the call ----

    cdef int begin(self) except -1:
        cdef object body = self.body
        if self.over:
            return 0
        self.note_waits()
        self.body = None
        self.begun = True
        self.driver.running += 1
        if body is not None:
            body.seek(0)
        return self.run(self.driver, self.driver.environs.make(self.request, body, EarlyHints.of(self)))

    cdef int go(self, WSGIDriver driver, dict environ) except -1:
        """With those told that want to know whose step it is, and how long it takes."""
        cdef fs_watch *mark = self.driver.mark
        if mark != NULL:
            fs_watch_begin(mark, <void *>self)
        if self.driver.timed:
            fs_step_begin(&self.timed_step, &self.driver.cpu)
        try:
            return Response.go(self, driver, environ)
        finally:
            if mark != NULL:
                fs_watch_end(mark)
            self.note_step()

    cdef int note_step(self) noexcept:
        if self.timed_step.began_s > 0:
            fs_step_end(&self.timed_step, &self.driver.cpu, &self.sink.ran_s, &self.sink.cpu_s)
        return 0

    cdef int note_waits(self) noexcept:
        if self.body_asked_s > 0:
            self.sink.body_wait_s += fs_exact_s() - self.body_asked_s
        if self.client_asked_s > 0:
            self.sink.client_wait_s += fs_exact_s() - self.client_asked_s
        self.body_asked_s = self.client_asked_s = 0
        return 0

    cdef int note_times(self) except -1:
        self.note_step()
        return self.note_waits()

    cdef int give(self, bytes data, bint more) except -1:
        cdef Sink sink = self.sink
        if sink.finished:
            self.over = True
            return 0
        if not self.head_passed:
            self.head_passed = True
            sink.send_checked_head(self.head)
        return sink.send_data(data, more)

    cdef bint give_file(self, FileRange file) except -1:
        cdef Sink sink = self.sink
        if not sink.finished:
            self.head_passed = True
            sink.send_checked_head(self.head)
            sink.send_file(file)
        if sink.finished:
            return True
        self.suspend()
        return False

    cdef int give_early_hints(self, list fields) except -1:
        return 0 if self.sink.finished else self.sink.send_informational(103, fields)

    cdef int give_up(self) except -1:
        cdef Sink sink = self.sink
        if sink.finished:
            return 0
        return sink.abort() if sink.head_sent() else sink.send_error(500)

    cdef int wait_for_room(self) except -1:
        return 0

    cdef bint go_on(self) except -1:
        self.suspend()
        return False

    cdef int suspend(self) except -1:
        """The loop's turn: it writes the block, serves others, and comes back when the client has caught up."""
        self.driver.suspended.add(self)
        if self.sink.writable():
            self.driver.loop.call_soon(self.proceed)
        else:
            if self.driver.timed:
                self.client_asked_s = fs_exact_s()
            self.sink.wait_writable().add_done_callback(self.proceed)
        return 0

    def proceed(self, future=None):
        """Ask the application for its next block."""
        cdef Sink sink = self.sink
        if self not in self.driver.suspended:
            return  # it has ended meanwhile
        self.driver.suspended.discard(self)
        self.note_waits()
        sink.cork()
        try:
            self.resume()
        finally:
            sink.uncork()

    cdef int cancel(self) except -1:
        cdef Sink sink = self.sink
        if not sink.finished:
            if sink.head_sent():
                sink.abort()
            else:
                sink.send_error(503)
        self.over = True
        self.proceed()
        return 0

    cdef int finish(self) except -1:
        return self.driver.request_ended()
