"""One WebSocket as one coroutine."""

from fastserve.asgi.driver cimport ASGICycle, ASGIDriver
from fastserve.stream.messages cimport MessageDriver, MessageSink


cdef class WebSocketDriver(MessageDriver):
    cdef ASGIDriver driver
    cdef Py_ssize_t queue_max         # messages that wait for the application before the client is stopped
    cdef Py_ssize_t queue_bytes_max   # their size


cdef class WebSocketCycle(ASGICycle):
    cdef WebSocketDriver websockets
    cdef MessageSink session
    cdef bint connect_received
    cdef bint accepted
    cdef bint paused
    cdef bint busy                    # with a message: there is one, or was, and it has not asked for another
    cdef object message               # the first that the application has not received yet, or None
    cdef list more_messages           # behind it, or None
    cdef Py_ssize_t message_bytes     # of all of them
    cdef int close_code               # once disconnected
    cdef str close_reason

    cdef bint is_full(self) noexcept
    cdef object accept(self, dict message)
    cdef object refuse(self, int status, object headers)
    cdef object send_part(self, dict message)
    cdef object send_to_client(self, dict message)
    cdef int log(self, object outcome) except -1
