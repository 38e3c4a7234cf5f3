"""How does one WebSocket become one coroutine? (ASGI 3.0, WebSocket specification 2.5)

A WebSocketCycle is an ASGICycle whose request may be accepted. Until then it answers as any other, by the Sink that
the request came with: 403, or whatever the application says with the extension "websocket.http.response". Once
accepted, messages pass by the session.
"""

import logging

from cpython.list cimport PyList_GET_SIZE

from fastserve.asgi.awaitable cimport PENDING, READY
from fastserve.asgi.driver cimport (
    EXPECT_BODY, EXPECT_START, RESPONDED, ASGICycle, ASGIDriver, printable,
)
from fastserve.csrc.debug cimport FS_DEBUG
from fastserve.net.debug cimport live
from fastserve.stream.messages cimport MessageDriver, MessageSink
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream

from fastserve.asgi.result import await_result
from fastserve.request_context import REQUEST_ID
from fastserve.stream.sink import ClientDisconnected

cdef extern from "Python.h":
    bint PyCoro_CheckExact(object coroutine)
    int PyUnicode_KIND(object text) noexcept

logger = logging.getLogger("fastserve.error")

# RFC 6455, 7.4.1
cdef int NORMAL = 1000
cdef int ABNORMAL = 1006
cdef int INTERNAL_ERROR = 1011


cdef class WebSocketDriver(MessageDriver):
    """Runs the WebSockets of an application, one task each.

    :param driver: what runs its requests
    :param limits: an object with the attributes ``ws_max_queue`` and ``ws_queue_bytes_max``
    """

    def __init__(self, ASGIDriver driver not None, limits):
        self.driver = driver
        self.queue_max = limits.ws_max_queue
        self.queue_bytes_max = limits.ws_queue_bytes_max

    cdef Stream open_messages(self, Request request, Sink sink, MessageSink session):
        cdef WebSocketCycle cycle = WebSocketCycle.__new__(WebSocketCycle)
        cycle.websockets = self
        cycle.driver = self.driver
        cycle.request = request
        cycle.sink = sink
        cycle.session = session
        if FS_DEBUG:
            live.cycles += 1
        return cycle


cdef class WebSocketCycle(ASGICycle):
    """One WebSocket, in the application's hands."""

    # ---- from the protocol ----

    cdef int push_body(self, bytes data) except -1:
        """A request that asks for a WebSocket has no body that means anything."""
        return 0

    cdef int end_body(self) except -1:
        return 0

    cdef int disconnect(self) except -1:
        return self.push_close(ABNORMAL, "")

    cdef int expire(self) except -1:
        """The application is held up, by a database that does not answer or the like. Its client hears 503, as from
        a proxy that has waited for long enough, and it that nobody waits any more."""
        cdef Sink sink = self.sink
        if self.state != EXPECT_START:
            return 0
        self.complain("WebSocket handshake not answered in time")
        self.give_up(503)
        sink.disconnected = True
        return self.push_close(ABNORMAL, "")

    cdef int push_message(self, object data) except -1:
        if self.ended or self.disconnected:
            return 0
        self.busy = True
        if self.message is None:
            self.message = data
        elif self.more_messages is None:
            self.more_messages = [data]
        else:
            self.more_messages.append(data)
        self.message_bytes += held_bytes(data)
        if not self.paused and self.is_full():
            self.paused = True
            self.sink.pause_body()
        return self.wake_receivers()

    cdef int push_close(self, int code, str reason) except -1:
        if not self.disconnected:
            self.disconnected = True
            self.close_code = code
            self.close_reason = reason
        return self.wake_receivers()

    cdef bint is_full(self) noexcept:
        """Whether no more messages should come before the application has taken one."""
        cdef Py_ssize_t count = self.message is not None
        if self.more_messages is not None:
            count += PyList_GET_SIZE(self.more_messages)
        return count >= self.websockets.queue_max or self.message_bytes > self.websockets.queue_bytes_max

    cdef bint is_busy(self) noexcept:
        return self.busy

    # ---- the coroutine ----

    cdef int call(self) except -1:
        if self.ended:
            raise RuntimeError("cannot reuse already awaited coroutine")
        if self.request.request_id is not None:
            REQUEST_ID.set(self.request.request_id)  # in the task's own context
        scope = self.driver.scopes.make_websocket(self.request, self.session.subprotocols)
        coroutine = self.driver.app(scope, self.receive_message, self.send_message)
        self.coroutine = coroutine if PyCoro_CheckExact(coroutine) else await_result(coroutine)
        return 0

    cdef int settle(self, object result) except -1:
        if self.sink.finished:  # closed, refused, or the client is gone
            return self.end()
        try:
            if result is not None:
                self.complain("ASGI callable should return None, but returned %r", result)
            elif self.state == EXPECT_START:
                self.complain("ASGI callable returned without sending handshake.")
            elif not self.accepted:
                self.complain("ASGI callable returned without completing response")
        finally:
            if self.accepted:
                self.session.close(NORMAL if result is None else INTERNAL_ERROR, "")
            else:
                self.give_up(500)
            self.end()
        return 0

    cdef int give_up(self, int status) except -1:
        cdef MessageSink session = self.session
        if self.accepted:
            return 0 if session.finished else session.close(INTERNAL_ERROR, "")
        if not self.sink.head_sent():
            self.log(status)
        return ASGICycle.give_up(self, status)

    cdef int end(self) except -1:
        self.message = self.more_messages = None
        return ASGICycle.end(self)

    # ---- receive() ----

    cdef object next_message(self):
        cdef object data
        if not self.connect_received:
            self.connect_received = True
            return {"type": "websocket.connect"}
        data = self.message
        if data is not None:
            self.message = None
            if self.more_messages is not None:
                self.message = self.more_messages.pop(0)
                if not self.more_messages:
                    self.more_messages = None
            self.message_bytes -= held_bytes(data)
            if self.paused and not self.is_full():
                self.paused = False
                self.sink.resume_body()
            if type(data) is str:
                return {"type": "websocket.receive", "text": data}
            return {"type": "websocket.receive", "bytes": data}
        self.busy = False
        if self.session.ending:
            self.session.end_now()
        if self.disconnected:
            return {"type": "websocket.disconnect", "code": self.close_code, "reason": self.close_reason}
        if self.ended or (not self.accepted and self.state == RESPONDED):
            return {"type": "websocket.disconnect", "code": ABNORMAL, "reason": ""}
        return PENDING

    # ---- send() ----

    def send_message(self, message):
        """ASGI's send. It acts at once; what it returns is ready, unless the client is slow."""
        cdef dict fields = <dict>message if type(message) is dict else dict(message)
        cdef object kind = fields["type"]
        if self.sink.disconnected:
            raise ClientDisconnected("the client disconnected")
        if self.state == RESPONDED:
            raise RuntimeError(f"Unexpected ASGI message {kind!r}, after sending 'websocket.close' "
                               "or response already completed.")
        if self.accepted:
            if kind == "websocket.send":
                return self.send_to_client(fields)
            if kind == "websocket.close":
                self.session.close(fields.get("code") or NORMAL, fields.get("reason") or "")
                self.state = RESPONDED
                return READY
            raise RuntimeError(f"Expected ASGI message 'websocket.send' or 'websocket.close', but got {kind!r}.")
        if self.state == EXPECT_BODY:
            if kind == "websocket.http.response.body":
                return self.send_part(fields)
            raise RuntimeError(f"Expected ASGI message 'websocket.http.response.body' but got {kind!r}.")
        if kind == "websocket.accept":
            return self.accept(fields)
        if kind == "websocket.close":
            self.refuse(403, [(b"content-type", b"text/plain; charset=utf-8")])
            return self.send_part({})
        if kind == "websocket.http.response.start":
            return self.refuse(fields["status"], fields.get("headers", ()))
        raise RuntimeError("Expected ASGI message 'websocket.accept', 'websocket.close', "
                           f"or 'websocket.http.response.start' but got {kind!r}.")

    cdef object accept(self, dict fields):
        cdef MessageSink session = self.session
        session.accept(fields.get("subprotocol"), fields.get("headers") or ())
        self.accepted = True
        self.state = EXPECT_BODY
        self.sink = session
        self.log("[accepted]")
        tell("connection open", ())
        return READY

    cdef object refuse(self, int status, object headers):
        self.sink.send_head(status, headers)
        self.state = EXPECT_BODY
        self.log(status)
        return READY

    cdef object send_part(self, dict fields):
        """Of the answer to a request that is not accepted."""
        cdef bint more = fields.get("more_body", False)
        cdef Sink sink = self.sink
        sink.send_data(fields.get("body", b""), more)
        if not more:
            self.state = RESPONDED
            self.wake_receivers()  # who waits hears websocket.disconnect
            return READY
        return self.after_part()

    cdef object send_to_client(self, dict fields):
        cdef MessageSink session = self.session
        cdef object data = fields.get("bytes")
        if data is None:
            data = fields["text"]
        session.send_message(data)
        return self.after_part()

    cdef int log(self, object outcome) except -1:
        """uvicorn's line about a handshake: what became of it, or the status of the answer."""
        cdef Request request = self.request
        cdef object client = request.client
        cdef bytes target = request.raw_path
        if request.query_string:
            target = target + b"?" + request.query_string
        return tell('%s - "WebSocket %s" %s', (f"{client[0]}:{client[1]}" if client else "",
                                               printable(target.decode("latin-1")), outcome))


cdef int tell(str message, tuple values) except -1:
    """A line of the level INFO. To find out who says it, Logger.info() has Python make an object of the frame that
    called send(), the application's, and that stays as long as the WebSocket. A record of our own needs none."""
    if logger.isEnabledFor(logging.INFO):
        logger.handle(logger.makeRecord(logger.name, logging.INFO, __file__, 0, message, values, None))
    return 0


cdef inline Py_ssize_t held_bytes(object message) except -1:
    """The memory of a message, about: a text's characters take up to four bytes each."""
    return len(message) * PyUnicode_KIND(message) if type(message) is str else len(message)
