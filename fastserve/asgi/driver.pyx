"""How does one request become one coroutine? (ASGI 3.0, HTTP specification 2.5)

An ASGICycle is a request in the hands of an application: what it receives and sends, and the coroutine itself. The
event loop's task is given the cycle, which has the coroutine protocol and steps the application's coroutine. So the
end of the application is seen where it happens, without a wrapper coroutine or a callback, and all that the application
sends in one step goes out as one write.
"""

import asyncio
import logging
import sys

from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF

from fastserve.asgi.awaitable cimport PENDING, READY, Awaitable
from fastserve.asgi.scope cimport ScopeMaker
from fastserve.csrc.clock cimport fs_exact_s
from fastserve.csrc.cpu cimport fs_step_begin, fs_step_end
from fastserve.csrc.debug cimport FS_DEBUG
from fastserve.csrc.watch cimport fs_watch, fs_watch_begin, fs_watch_end
from fastserve.loop_watch cimport LoopWatch
from fastserve.net.debug cimport live
from fastserve.stream.file_range cimport open_file
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink, stems_from_disconnect
from fastserve.stream.stream cimport Driver, Stream

from fastserve.asgi.result import await_result
from fastserve.request_context import REQUEST_ID
from fastserve.stream.sink import ClientDisconnected

cdef extern from "Python.h":
    ctypedef enum PySendResult:
        PYGEN_RETURN
        PYGEN_ERROR
        PYGEN_NEXT
    PySendResult PyIter_Send(object iterator, object value, PyObject **result) except PYGEN_ERROR
    bint PyCoro_CheckExact(object coroutine)
    PyObject *PyDict_GetItemWithError(object fields, object key) except? NULL
    object PyContext_Copy(object context)
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    object PyObject_Call(object callable, tuple args, dict keywords)

    ctypedef struct PyMethodDef:
        pass
    ctypedef struct PyMethodDescrObject:
        PyMethodDef *d_method
    object PyCFunction_NewEx(PyMethodDef *method, object self, void *module)

logger = logging.getLogger("fastserve.error")

cdef bint HAS_EAGER_TASKS = sys.version_info >= (3, 12)
cdef object Task = asyncio.Task
cdef str HTTP_START = "http.response.start"
cdef str HTTP_BODY = "http.response.body"
cdef str HTTP_EARLY_HINT = "http.response.early_hint"
cdef str HTTP_PATH = "http.response.pathsend"

# An application that sends in a loop and never meets a slow client would keep the event loop to itself: after so many
# parts without a wait, one send() lets the others on. Few enough that nobody waits long; enough to cost nothing.
cdef int SENDS_IN_A_ROW_MAX = 64
cdef int ENDS_IN_A_ROW_MAX = 64  # the same for one that asks on and on behind http.disconnect


cdef class ASGIDriver(Driver):
    """Runs an ASGI 3 application, one task a request.

    :param app: the application
    :param loop: the running event loop
    :param context: a contextvars.Context; every request runs in a copy of it
    :param state: what the lifespan left; every scope gets a shallow copy
    :param root_path: the path that the application is mounted at
    :param read_buffer_bytes_max: body bytes that wait for the application before the client is stopped
    :param root_path_stripped: whether the proxy took root_path off the paths that come here
    :param pathsend: whether applications may send files by their paths
    """

    def __init__(self, app, loop, context, state=None, root_path="", read_buffer_bytes_max=65536,
                 root_path_stripped=True, pathsend=False):
        self.app = app
        self.loop = loop
        self.context = context
        self.scopes = ScopeMaker(root_path, state if state is not None else {}, root_path_stripped,
                                 pathsend)
        self.pathsend = pathsend
        self.read_buffer_bytes_max = read_buffer_bytes_max
        self.use_task_factory = loop.get_task_factory() is not None
        self.task_keywords = {"loop": loop}
        if HAS_EAGER_TASKS:
            self.task_keywords["eager_start"] = True
        self.tasks = set()
        self.idle_waiters = []

    cdef Stream open(self, Request request, Sink sink):
        cdef ASGICycle cycle = ASGICycle.__new__(ASGICycle)
        cycle.driver = self
        cycle.request = request
        cycle.sink = sink
        if FS_DEBUG:
            live.cycles += 1
        return cycle

    cdef object spawn(self, ASGICycle cycle):
        """A task for the cycle, in a copy of the start-up context. Eager where CPython has that (3.12): a request that
        never waits then never costs a turn of the loop."""
        cdef object context
        if self.use_task_factory or self.spawning:
            context = PyContext_Copy(self.context)
            return context.run(self.loop.create_task, cycle)
        # A task copies the context that it is made in. One dict of keywords serves all calls: a call with keyword
        # arguments would make one for each.
        PyContext_Enter(self.context)
        self.spawning = True
        try:
            return PyObject_Call(Task, (cycle,), self.task_keywords)
        finally:
            self.spawning = False
            PyContext_Exit(self.context)

    cdef int forget(self, object task) except -1:
        self.tasks.discard(task)
        if self.idle_waiters and not self.tasks:
            waiters, self.idle_waiters = self.idle_waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
        return 0

    cpdef int in_flight(self) except -1:
        return len(self.tasks)

    cpdef int cancel_all(self) except -1:
        for task in list(self.tasks):
            task.cancel()
        return len(self.tasks)

    def set_watch(self, LoopWatch watch):
        """From now on this one hears of every step of the application; None: nobody does."""
        self.watch = watch
        self.mark = NULL if watch is None else &watch.mark

    def stepping(self):
        """The request whose application runs now, as another thread sees it; None if there is none."""
        if self.mark == NULL or self.mark.holder == NULL:
            return None
        return (<ASGICycle>self.mark.holder).request

    def working(self):
        """What the requests in hand are doing, as any thread may ask: ``(request, began_s, doing, coroutine)`` of each.

        ``doing`` is one of ``runs``, ``suspended``, ``waits for its body``, ``waits for a message`` and ``waits for
        its client``; ``began_s`` is 0 where the endpoint is not timed.
        """
        cdef ASGICycle cycle
        cycles = [task.get_coro() for task in list(self.tasks)]
        if self.mark != NULL and self.mark.holder != NULL:
            cycle = <ASGICycle>self.mark.holder  # its first step, perhaps: it has no task yet
            if cycle not in cycles:
                cycles.append(cycle)
        return [(<ASGICycle>one).told() for one in cycles if isinstance(one, ASGICycle)]

    cdef object when_idle(self):
        waiter = self.loop.create_future()
        if self.tasks:
            self.idle_waiters.append(waiter)
        else:
            waiter.set_result(None)
        return waiter


cdef class Receive(Awaitable):
    """What receive() returns. The message is taken when it is awaited: a receive() that is cancelled loses none."""

    cdef object advance(self):
        if self.cycle.ends_in_a_row >= ENDS_IN_A_ROW_MAX:
            self.cycle.ends_in_a_row = 0
            return None  # as asyncio.sleep(0) does
        return Awaitable.advance(self)

    cdef object poll(self):
        return self.cycle.next_message()

    cdef object waiter(self):
        return self.cycle.wait_for_message()


cdef class Drain(Awaitable):
    """What send() returns while the client is slow: done when it has caught up; raises when it is gone.

    With `owes_turn` the event loop turns first.
    """

    cdef object advance(self):
        if self.owes_turn:
            self.owes_turn = False
            return None  # as asyncio.sleep(0) does
        return Awaitable.advance(self)

    cdef object poll(self):
        cdef Sink sink = self.cycle.sink
        if self.cycle.client_asked_s > 0:
            sink.client_wait_s += fs_exact_s() - self.cycle.client_asked_s
            self.cycle.client_asked_s = 0
        if sink.disconnected:
            raise ClientDisconnected("the client disconnected")
        return None if sink.writable() else PENDING

    cdef object waiter(self):
        if self.cycle.driver.timed and self.cycle.client_asked_s == 0:
            self.cycle.client_asked_s = fs_exact_s()
        return self.cycle.sink.wait_writable()


cdef class FileDrain(Drain):
    """The same while a file is sent: done when that is."""

    cdef object poll(self):
        cdef Sink sink = self.cycle.sink
        Drain.poll(self)
        if not sink.finished:
            return PENDING
        if sink.file_error is not None:
            raise sink.file_error
        self.cycle.state = RESPONDED
        self.cycle.wake_receivers()


cdef class ASGICycle(Stream):
    """One request, in the application's hands."""

    def __dealloc__(self):
        if FS_DEBUG:
            live.cycles -= 1

    # ---- from the protocol ----

    cdef int push_body(self, bytes data) except -1:
        if self.ended or self.disconnected:
            return 0
        if self.part is None:
            self.part = data
        elif self.parts is None:
            self.parts = [data]
        else:
            self.parts.append(data)
        self.buffered_bytes += len(data)
        if self.buffered_bytes > self.driver.read_buffer_bytes_max:
            self.sink.pause_body()
        return self.wake_receivers()

    cdef int end_body(self) except -1:
        self.body_ended = True
        return self.wake_receivers()

    cdef int disconnect(self) except -1:
        self.disconnected = True
        self.part = self.parts = None
        return self.wake_receivers()

    cdef int start(self) except -1:
        cdef object task
        self.started = True
        task = self.driver.spawn(self)
        if not self.ended:
            self.task = task
            self.driver.tasks.add(task)
        return 0

    # ---- the coroutine ----

    cdef object step(self, object value):
        """Runs the application to its next wait: the future that it waits for, or ENDED."""
        cdef PyObject *result = NULL
        cdef PySendResult outcome = PYGEN_ERROR
        cdef Sink sink = self.sink
        cdef fs_watch *mark = self.driver.mark
        if mark != NULL:
            fs_watch_begin(mark, <void *>self)
        if self.driver.timed:
            fs_step_begin(&self.timed_step, &self.driver.cpu)
        sink.cork()
        self.running = True
        self.sends_in_a_row = 0
        try:
            try:
                if self.coroutine is None:
                    self.call()
                outcome = PyIter_Send(self.coroutine, value, &result)
            except BaseException as error:
                self.fail(error)
            if outcome == PYGEN_RETURN:
                self.settle(take(result))
        finally:
            self.running = False
            if mark != NULL:
                fs_watch_end(mark)
            if self.timed_step.began_s > 0:
                fs_step_end(&self.timed_step, &self.driver.cpu, &sink.ran_s, &sink.cpu_s)
            sink.uncork()
        return take(result) if outcome == PYGEN_NEXT else ENDED

    cdef object step_throw(self, object error):
        """The same with an exception, thrown into the application where it waits."""
        cdef object awaited = ENDED
        cdef Sink sink = self.sink
        cdef fs_watch *mark = self.driver.mark
        if mark != NULL:
            fs_watch_begin(mark, <void *>self)
        if self.driver.timed:
            fs_step_begin(&self.timed_step, &self.driver.cpu)
        sink.cork()
        self.running = True
        try:
            try:
                if self.coroutine is None:  # cancelled before its first step
                    raise error
                awaited = self.coroutine.throw(error)
            except StopIteration as stop:
                self.settle(stop.value)
            except BaseException as raised:
                self.fail(raised)
        finally:
            self.running = False
            if mark != NULL:
                fs_watch_end(mark)
            if self.timed_step.began_s > 0:
                fs_step_end(&self.timed_step, &self.driver.cpu, &sink.ran_s, &sink.cpu_s)
            sink.uncork()
        return awaited

    cdef int note_times(self) except -1:
        cdef Sink sink = self.sink
        if self.timed_step.began_s > 0:
            fs_step_end(&self.timed_step, &self.driver.cpu, &sink.ran_s, &sink.cpu_s)
        if self.body_asked_s > 0:
            sink.body_wait_s += fs_exact_s() - self.body_asked_s
        if self.client_asked_s > 0:
            sink.client_wait_s += fs_exact_s() - self.client_asked_s
        self.body_asked_s = self.client_asked_s = 0
        return 0

    cdef int call(self) except -1:
        cdef object coroutine
        if self.ended:
            raise RuntimeError("cannot reuse already awaited coroutine")
        if self.request.request_id is not None:
            REQUEST_ID.set(self.request.request_id)  # in the task's own context
        coroutine = self.driver.app(
            self.driver.scopes.make(self.request),
            PyCFunction_NewEx(RECEIVE, self, NULL),
            PyCFunction_NewEx(SEND, self, NULL),
        )
        self.coroutine = coroutine if PyCoro_CheckExact(coroutine) else await_result(coroutine)
        return 0

    cdef int settle(self, object result) except -1:
        """The application has returned."""
        if self.sink.finished or self.state == SENDING_FILE:  # answered, or it will be; or the client is gone
            return self.end()
        try:
            if result is not None:
                self.complain("ASGI callable should return None, but returned %r", result)
            elif self.state == EXPECT_START:
                self.complain("ASGI callable returned without starting response")
            else:
                self.complain("ASGI callable returned without completing response")
        finally:
            self.give_up(500)
            self.end()
        return 0

    cdef int fail(self, object error) except -1:
        """The application has raised."""
        cdef bint cancelled = isinstance(error, asyncio.CancelledError)
        try:
            if cancelled:
                if not self.sink.finished:
                    self.complain("ASGI application was cancelled before its answer was complete")
            elif not (self.sink.disconnected and stems_from_disconnect(error, ())):
                self.complain("Exception in ASGI application", exc_info=error)
        finally:
            self.give_up(503 if cancelled else 500)
            self.end()
        return 0

    cdef int give_up(self, int status) except -1:
        """No answer will come from the application: the server's own, if none of it is out yet, or a broken end."""
        cdef Sink sink = self.sink
        if sink.finished:
            return 0
        if sink.head_sent():
            return sink.abort()
        return sink.send_error(status)

    cdef tuple told(self):
        doing = "suspended"
        if self.running:
            doing = "runs"
        elif self.receiver is not None and not self.body_ended and not self.disconnected:
            doing = "waits for its body" if self.request.protocol is None else "waits for a message"
        elif not self.sink.finished and not self.sink.writable():
            doing = "waits for its client"
        return self.request, self.sink.began_s, doing, self.coroutine

    def complain(self, message, *values, exc_info=None):
        """A line in the error log that names the route. Raises what the program's own log handlers raise."""
        cdef Request request = self.request
        name = "" if request.request_id is None else f", request {request.request_id}"
        logger.error(message + " (%s %s%s)", *values, request.method, printable(request.path), name, exc_info=exc_info)

    cdef int end(self) except -1:
        self.ended = True
        self.coroutine = None
        self.part = self.parts = None
        if self.task is not None:
            self.driver.forget(self.task)
            self.task = None
        # Tasks that the application has left behind can neither send nor wait any more.
        self.state = RESPONDED
        return self.wake_receivers()

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        cdef object awaited = self.step(None)
        if awaited is ENDED:
            raise StopIteration
        return awaited

    def send(self, value):
        """The coroutine's method; the application's send is send_message."""
        cdef object awaited = self.step(value)
        if awaited is ENDED:
            raise StopIteration
        return awaited

    def throw(self, kind, value=None, traceback=None):
        """What the event loop does to cancel."""
        cdef object error = value if value is not None else (kind() if isinstance(kind, type) else kind)
        cdef object awaited = self.step_throw(error if traceback is None else error.with_traceback(traceback))
        if awaited is ENDED:
            raise StopIteration
        return awaited

    def close(self):
        """Ends a coroutine that no loop will step again."""
        if self.coroutine is not None:
            self.coroutine.close()
        self.end()

    # What introspection asks of a coroutine (inspect.getcoroutinestate, Task.get_stack, anyio) is answered for the
    # application's.

    @property
    def cr_frame(self):
        return getattr(self.coroutine, "cr_frame", None)

    @property
    def cr_code(self):
        return getattr(self.coroutine, "cr_code", None)

    @property
    def cr_await(self):
        return getattr(self.coroutine, "cr_await", None)

    @property
    def cr_running(self):
        return self.running

    @property
    def cr_suspended(self):
        return self.coroutine is not None and not self.running

    @property
    def __name__(self):
        return getattr(self.coroutine, "__name__", type(self).__name__)

    @property
    def __qualname__(self):
        return getattr(self.coroutine, "__qualname__", type(self).__name__)

    # ---- receive() ----

    def receive_message(self):
        """ASGI's receive."""
        cdef Receive receive = Receive.__new__(Receive)
        receive.cycle = self
        return receive

    cdef object next_message(self):
        cdef object body
        if self.disconnected or self.state == RESPONDED:
            self.ends_in_a_row += 1
            return {"type": "http.disconnect"}
        if self.part is None and not self.body_ended:
            self.sink.body_wanted()
            return PENDING
        if self.last_received:
            return PENDING
        body = self.part
        if body is None:
            body = b""
        elif self.parts is not None:
            body = b"".join([self.part] + self.parts)
        self.part = self.parts = None
        self.last_received = self.body_ended
        if self.buffered_bytes > self.driver.read_buffer_bytes_max:
            self.buffered_bytes = 0
            self.sink.resume_body()
        self.buffered_bytes = 0
        return {"type": "http.request", "body": body, "more_body": not self.body_ended}

    cdef object wait_for_message(self):
        cdef object future = self.driver.loop.create_future()
        if self.driver.timed and self.body_asked_s == 0 and not self.body_ended:
            self.body_asked_s = fs_exact_s()
        # Some may have been cancelled.
        if self.receiver is None or (self.more_receivers is None and self.receiver.done()):
            self.receiver = future
        else:
            self.more_receivers = [other for other in self.more_receivers or () if not other.done()] + [future]
        return future

    cdef int wake_receivers(self) except -1:
        receiver, others = self.receiver, self.more_receivers
        if receiver is None:
            return 0
        self.receiver = self.more_receivers = None
        if self.body_asked_s > 0:
            self.sink.body_wait_s += fs_exact_s() - self.body_asked_s
            self.body_asked_s = 0
        for receiver in [receiver] if others is None else [receiver, *others]:
            if not receiver.done():
                receiver.set_result(None)
        return 0

    # ---- send() ----

    def send_message(self, message):
        """ASGI's send. It acts at once; what it returns is ready, unless the client is slow."""
        cdef dict fields = <dict>message if type(message) is dict else dict(message)
        cdef object kind = field(fields, "type")
        if self.sink.disconnected:
            raise ClientDisconnected("the client disconnected")
        if self.state == EXPECT_BODY:
            if kind == HTTP_BODY:
                return self.send_body(fields)
            if self.driver.pathsend and kind == HTTP_PATH:
                return self.send_path(fields)
            raise RuntimeError(f"Expected ASGI message 'http.response.body', but got {kind!r}.")
        if self.state == EXPECT_START:
            if kind == HTTP_START:
                return self.send_start(fields)
            if kind == HTTP_EARLY_HINT:
                self.sink.send_informational(103, [(b"link", link) for link in fields["links"]])
                return READY
            raise RuntimeError(f"Expected ASGI message 'http.response.start', but got {kind!r}.")
        raise RuntimeError(f"Unexpected ASGI message {kind!r} sent, after response already completed.")

    cdef object send_start(self, dict fields):
        self.sink.send_head(field(fields, "status"), fields.get("headers", ()))
        self.state = EXPECT_BODY
        return READY

    cdef object send_body(self, dict fields):
        cdef bint more = fields.get("more_body", False)
        self.sink.send_data(fields.get("body", b""), more)
        if not more:
            self.state = RESPONDED
            return READY if self.receiver is None else self.after_response()
        return self.after_part()

    cdef object send_path(self, dict fields):
        """Of a file that cannot be opened the application hears as if it had opened it."""
        cdef Sink sink = self.sink
        cdef FileDrain drain
        sink.send_file(open_file(field(fields, "path")))
        self.state = SENDING_FILE
        drain = FileDrain.__new__(FileDrain)
        drain.cycle = self
        return drain

    cdef object after_part(self):
        """What send() returns when more is to come."""
        cdef Drain drain
        self.sends_in_a_row += 1
        if self.sends_in_a_row < SENDS_IN_A_ROW_MAX and self.sink.writable():
            return READY
        drain = Drain.__new__(Drain)
        drain.cycle = self
        if self.sends_in_a_row >= SENDS_IN_A_ROW_MAX:
            self.sends_in_a_row = 0  # a child task may be the one that sends
            drain.owes_turn = True
        return drain

    cdef object after_response(self):
        self.wake_receivers()  # who waits hears http.disconnect
        return READY


cdef object ENDED = object()

# The methods that an application is given, bound without the search that `self.send_message` would be.
cdef PyMethodDef *RECEIVE = (<PyMethodDescrObject *>ASGICycle.__dict__["receive_message"]).d_method
cdef PyMethodDef *SEND = (<PyMethodDescrObject *>ASGICycle.__dict__["send_message"]).d_method


cdef inline object take(PyObject *owned):
    """The reference that a C function returned."""
    cdef object value = <object>owned
    Py_DECREF(value)
    return value


cdef inline object field(dict fields, str key):
    """What `fields[key]` is, without a C call for each step to it."""
    cdef PyObject *found = PyDict_GetItemWithError(fields, key)
    if found == NULL:
        raise KeyError(key)
    return <object>found


cdef str printable(str text):
    return text.encode("unicode_escape").decode("ascii")
