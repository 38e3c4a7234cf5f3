"""Who takes a request, and how does its body get there?"""


cdef class Stream:
    """One request in the hands of a driver. A protocol calls push_body and end_body as bytes arrive, before and after
    start; disconnect once, when nothing more can arrive."""

    cdef int push_body(self, bytes data) except -1:
        raise NotImplementedError

    cdef int end_body(self) except -1:
        raise NotImplementedError

    cdef int start(self) except -1:
        """Run the application. What has been pushed by now needs no waiting."""
        raise NotImplementedError

    cdef int disconnect(self) except -1:
        raise NotImplementedError

    cdef int note_times(self) except -1:
        """The request ends, and its endpoint is timed: the sink is to know by now where the time went."""
        return 0

    # Of a request that an Upgrade knows (messages.pyx):

    cdef int expire(self) except -1:
        """It has been neither accepted nor answered for `Upgrade.answer_timeout_s`: answer in the server's words."""
        return 0

    # Of a request that was accepted as a WebSocket (messages.pyx), in place of a body:

    cdef int push_message(self, object data) except -1:
        """A whole message: str or bytes."""
        raise NotImplementedError

    cdef int push_close(self, int code, str reason) except -1:
        """There are no more messages: the close code and reason of the client, or of the server that did not wait for
        it; 1005 where the client named none, 1006 where it was gone without a word (RFC 6455, 7.1.5)."""
        raise NotImplementedError

    cdef bint is_busy(self) noexcept:
        """Whether there is a message that the application has not received, or not done with."""
        return False


cdef class Driver:
    """Runs an application, one Stream a request."""

    cdef Stream open(self, Request request, Sink sink):
        raise NotImplementedError

    cpdef int in_flight(self) except -1:
        """How many requests have not ended, those included that were answered and go on working."""
        raise NotImplementedError

    cpdef int cancel_all(self) except -1:
        """Cancel the requests in flight; returns how many."""
        raise NotImplementedError

    cdef object when_idle(self):
        """A future that is done as soon as none is in flight."""
        raise NotImplementedError

    cdef int begin_turn(self) except -1:
        """What was read in a turn of the loop is worked off from now on: requests may follow one another at once."""
        return 0

    cdef int end_turn(self) except -1:
        """That is done, and the turn's answers are written."""
        return 0

    cpdef int close(self) except -1:
        """Nothing more will be asked of it."""
        return 0
