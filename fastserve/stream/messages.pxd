"""The way of messages, of a request that becomes a WebSocket; and who takes such requests."""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream


cdef class MessageSink(Sink):
    cdef readonly list subprotocols      # that the client offers, in its order
    cdef readonly bint ending            # no message will come any more, and the client waits to be told so

    cdef int accept(self, str subprotocol, object headers) except -1
    cdef int send_message(self, object data) except -1
    cdef int close(self, int code, str reason) except -1
    cdef int end_now(self) except -1


cdef class MessageDriver:
    cdef Stream open_messages(self, Request request, Sink sink, MessageSink session)


cdef class Upgrade:
    cdef readonly double answer_timeout_s  # how long a request may wait to be accepted or answered; 0: for ever
    cdef readonly double timeout_min_s     # the shortest of all deadlines; 0 without any

    cdef Stream open(self, Request request, Sink sink)
