"""How does an answer get out?

A driver holds one Sink for one request and calls it; the protocol implements it. What the application gets wrong is
raised to it as RuntimeError, TypeError or ValueError before a byte of it is sent.
"""


class ClientDisconnected(OSError):
    """The client is gone. Raised to an application that goes on sending (ASGI 3, "Disconnected Client")."""


cdef bint stems_from_disconnect(object error, object above) except -1:
    """Whether a ClientDisconnected is this exception or among its causes and contexts; of a group, all of its parts.

    `above` are the ids of the exceptions whose parts led here.
    """
    cdef set seen = set(above)
    cdef list pending = [error]
    while pending:
        error = pending.pop()
        if not isinstance(error, BaseException) or id(error) in seen:
            continue
        seen.add(id(error))
        if isinstance(error, ClientDisconnected):
            return True
        parts = getattr(error, "exceptions", None)
        if isinstance(parts, tuple) and parts and all([stems_from_disconnect(part, seen) for part in parts]):
            return True
        pending += (error.__cause__, error.__context__)
    return False


cdef class Sink:
    """One answer on its way out. The methods here are the contract; a protocol overrides every one of them but
    send_checked_head and those of files, which it may."""

    cdef int send_head(self, int status, object headers) except -1:
        """The final status and the header fields, which are checked now. Written with the first data, or the end."""
        raise NotImplementedError

    cdef int send_checked_head(self, Head head) except -1:
        """The same, of a head that is checked."""
        return self.send_head(head.status, head.pairs())

    cdef int send_data(self, object data, bint more) except -1:
        """A part of the body (bytes, bytearray or memoryview); `more` says whether others follow."""
        raise NotImplementedError

    cdef bint sends_files(self) noexcept:
        """Whether send_file() is worth while, and not only a way to read a file."""
        return False

    cdef int send_file(self, FileRange file) except -1:
        """A file as the whole body, or as much of it as Content-Length says; that is added where there is none. Raises
        where the file is shorter than it, as long as no byte of the answer is out. Small files are out when this
        returns. Others make the sink not writable() until it is `finished`, with a `file_error` if it had to be
        given up for the file's sake."""
        raise NotImplementedError

    cdef int send_informational(self, int status, object headers) except -1:
        """A 1xx answer before the head (RFC 9110, 15.2)."""
        raise NotImplementedError

    cdef int send_error(self, int status) except -1:
        """The whole answer in the server's own words; only where no head was sent."""
        raise NotImplementedError

    cdef int send_upgrade(self, bytes protocol, object headers, ByteSession session) except -1:
        """The whole answer: what follows, in both directions, is the session's and in this protocol. For a request
        whose stream came from an Upgrade. The session is `opened` before this returns."""
        raise NotImplementedError

    cdef int abort(self) except -1:
        """Give the answer up: the client must see that it is not complete."""
        raise NotImplementedError

    cdef bint head_sent(self) noexcept:
        """Whether a part of the answer may be on the wire."""
        return False

    cdef bint writable(self) noexcept:
        """Whether the client keeps up."""
        return True

    cdef object wait_writable(self):
        """A future that is done when the client has caught up, or is gone."""
        raise NotImplementedError

    cdef int body_wanted(self) except -1:
        """The application waits for the request's body: time for 100 (Continue)."""
        raise NotImplementedError

    cdef int pause_body(self) except -1:
        """The application does not keep up with the body."""
        raise NotImplementedError

    cdef int resume_body(self) except -1:
        raise NotImplementedError

    cdef int cork(self) except -1:
        """Hold what is sent until uncork(); they nest."""
        raise NotImplementedError

    cdef int uncork(self) except -1:
        raise NotImplementedError


cdef class Observer:
    """Is told of every answer that ended, complete or not. It must not raise."""

    cdef int stream_ended(self, Request request, Sink sink) except -1:
        raise NotImplementedError

    cdef int session_ended(self, Request request, double began_s, uint64_t bytes_sent, uint64_t bytes_received,
                           int close_code) except -1:
        """What a request had become (its answer was 101) has ended: of a WebSocket, the code that the application
        heard. Only where requests are timed: `began_s` as the sink's."""
        return 0
