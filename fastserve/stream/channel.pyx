"""What if a request becomes something else? (RFC 9110, 7.8: Upgrade; RFC 8441: extended CONNECT)

Its answer says so, and from then on bytes pass in both directions that are HTTP's no more. A protocol gives them a
ByteChannel, which is a connection of its own or a stream of one; a ByteSession is what they mean.
"""


cdef class ByteChannel:
    """Both directions of one connection, in the hands of a session. The methods here are the contract."""

    cdef int write(self, bytes data) except -1:
        """Send bytes behind all that was written before."""
        raise NotImplementedError

    cdef bint writable(self) noexcept:
        """Whether the client keeps up."""
        return True

    cdef object wait_writable(self):
        """A future that is done when the client has caught up, or is gone."""
        raise NotImplementedError

    cdef int read_on(self) except -1:
        """The session takes bytes again. What it left is pushed soon, from the event loop."""
        raise NotImplementedError

    cdef int close(self, bint more_may_come) except -1:
        """End the connection behind what was written. `more_may_come`: the client has not said that it is finished, so
        what it still sends is read and dropped for a while, lest it lose what was written."""
        raise NotImplementedError

    cdef int abort(self) except -1:
        """End the connection at once."""
        raise NotImplementedError


cdef class ByteSession:
    """What takes the bytes of a channel. A protocol calls the methods from the event loop; `lost` is the last call."""

    cdef int opened(self, ByteChannel channel) except -1:
        """The channel is there; what is written to it goes behind the answer to the request."""
        raise NotImplementedError

    cdef Py_ssize_t push_bytes(self, bytes data, Py_ssize_t at) except -1:
        """Take the bytes from `at` on. Returns where it stopped: if not at the end, the session takes no more until it
        calls `read_on`, and the rest is pushed again."""
        raise NotImplementedError

    cdef int muted(self) except -1:
        """The client is gone, so that nothing written arrives; what it said before is still pushed."""
        raise NotImplementedError

    cdef int lost(self) except -1:
        """The client has shut its side, or is gone: there are no bytes any more in either direction."""
        raise NotImplementedError

    cdef int on_sweep(self, double now_s) except -1:
        """Compare deadlines with the coarse clock."""
        raise NotImplementedError

    cdef int drain(self) except -1:
        """The server ends: bring the session to an end in order."""
        raise NotImplementedError
