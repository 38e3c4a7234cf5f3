"""Which request becomes a WebSocket, and on which terms? (RFC 6455, 4.2)

A request that asks for a WebSocket as the RFC has it gets a session, and an application that may accept it. One that
asks for it wrongly is answered here. Any other is none of ours.
"""

import base64

from fastserve.stream.messages cimport MessageDriver, Upgrade
from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream
from fastserve.ws.session cimport SessionSettings, SessionSink, WebSocketSession

from fastserve.ws.deflate import DeflateOptions, negotiate
from fastserve.ws.extensions import parse_extensions

cdef bytes GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


cdef class WebSocketUpgrade(Upgrade):
    """Makes sessions of requests.

    :param loop: the running event loop
    :param driver: what runs the application
    :param limits: an object with the attributes that the table of options calls ws_...
    """

    def __init__(self, loop, MessageDriver driver not None, limits):
        self.driver = driver
        self.settings = SessionSettings(loop, limits)
        self.answer_timeout_s = limits.ws_answer_timeout_s
        timeouts = (
            limits.ws_answer_timeout_s, limits.ws_ping_interval, limits.ws_ping_timeout, limits.ws_close_timeout_s)
        self.timeout_min_s = min(filter(None, timeouts), default=0)
        if limits.ws_per_message_deflate:
            self.deflate = DeflateOptions(limits.ws_deflate_window_bits, limits.ws_deflate_memory_level)

    cdef Stream open(self, Request request, Sink sink):
        cdef WebSocketSession session
        cdef bytes key = None
        cdef bytes version = None
        cdef list subprotocols = []
        cdef list extensions = []
        cdef bint asked = False
        cdef int keys = 0
        if request.method != "GET":
            return None
        for name, value in request.headers:
            if name == b"upgrade":
                asked = asked or b"websocket" in [token.strip(b" \t") for token in (<bytes>value).lower().split(b",")]
            elif name == b"sec-websocket-key":
                key = value
                keys += 1
            elif name == b"sec-websocket-version":
                version = value
            elif name == b"sec-websocket-protocol":
                subprotocols += [token.strip(" \t") for token in (<bytes>value).decode("latin-1").split(",")]
            elif name == b"sec-websocket-extensions":
                extensions.append(value)
        if not asked:
            return None
        if version != b"13":
            return refuse(sink, 426, b"This server speaks version 13 of WebSocket.",
                          [(b"sec-websocket-version", b"13")])
        if keys != 1 or not is_key(key):
            return refuse(sink, 400, b"The request has no valid Sec-WebSocket-Key.", [])
        sink.body_wanted()  # if there is one, it has to pass before the answer
        session = WebSocketSession.__new__(WebSocketSession)
        session.settings = self.settings
        session.message_limits = self.settings.message_limits
        session.handshake = sink
        import hashlib  # OpenSSL's, which takes milliseconds of a start

        session.accept_key = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
        if self.deflate is not None and extensions:
            session.deflate = negotiate(parse_extensions(b",".join(extensions)), self.deflate)
        session.sink = SessionSink.__new__(SessionSink)
        session.sink.session = session
        session.sink.subprotocols = [name for name in subprotocols if name]
        request.protocol = "websocket"
        session.stream = self.driver.open_messages(request, sink, session.sink)
        return session.stream


cdef bint is_key(bytes key) except -1:
    """Whether it is sixteen bytes in base64 (RFC 6455, 4.1)."""
    try:
        return len(key) == 24 and len(base64.b64decode(key, validate=True)) == 16
    except ValueError:
        return False


cdef Stream refuse(Sink sink, int status, bytes text, list headers):
    headers = [*headers, (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
    sink.send_head(status, headers)
    sink.send_data(text, False)
    return None
