"""What if the bytes of a request that became something else are messages? (RFC 6455, 6)

A WebSocket is a request first: it has a head, which an application accepts or answers as any other. Once accepted,
messages pass in both directions. So its two ends are a Stream, and a Sink with more to say.
"""

from fastserve.stream.request cimport Request
from fastserve.stream.sink cimport Sink
from fastserve.stream.stream cimport Stream


cdef class MessageSink(Sink):
    """The server's side of messages. A driver answers a request with the Sink that it came with, or accepts; from then
    on it uses this one: `cork`, `uncork`, `writable`, `wait_writable`, `pause_body`, `resume_body` and `abort` as of a
    Sink, `disconnected` once nothing that is sent arrives, `finished` once nothing more may be sent.

    :ivar list subprotocols: the client's offers (RFC 6455, 1.9)
    :ivar bool ending: the last message was pushed; the driver calls `end_now` when the application is done with it
    """

    cdef int accept(self, str subprotocol, object headers) except -1:
        """Answer that messages may pass, in one of the subprotocols or None, with these fields besides. Raises
        RuntimeError, TypeError or ValueError for fields that cannot be sent."""
        raise NotImplementedError

    cdef int send_message(self, object data) except -1:
        """A text (str) or bytes (bytes, bytearray, memoryview), whole."""
        raise NotImplementedError

    cdef int close(self, int code, str reason) except -1:
        """No more messages in either direction, and why (RFC 6455, 7.4)."""
        raise NotImplementedError

    cdef int end_now(self) except -1:
        """Whoever still had something to say has said it. The stream's push_close follows at once."""
        raise NotImplementedError


cdef class MessageDriver:
    """Runs an application that speaks in messages. """

    cdef Stream open_messages(self, Request request, Sink sink, MessageSink session):
        """The stream of a request that asks for messages; `sink` answers it where it is not accepted."""
        raise NotImplementedError


cdef class Upgrade:
    """Knows which requests become something else, and what.

    :ivar float answer_timeout_s: how long a stream may leave its request neither accepted nor answered before the
        protocol lets it `expire`; 0 for ever
    :ivar float timeout_min_s: the shortest of all its deadlines, 0 without any
    """

    cdef Stream open(self, Request request, Sink sink):
        """The stream of a request that asks for what this knows. None if it does not, or not rightly: then the sink
        is `finished`, the request is answered."""
        raise NotImplementedError
