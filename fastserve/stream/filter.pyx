"""Who may say something about a request before a driver gets it?

A filter is asked once for each connection whether its requests concern it at all; most connections are then served
without one. It is the one thing that may change a Request, and only between the protocol and the driver.
"""


cdef class RequestFilter:
    """Corrects a request that a protocol has just filled in. The methods here are the contract; both are overridden."""

    cdef RequestFilter for_connection(self, object client, object server):
        """What a connection between these addresses has its requests filtered by; None: by nothing.

        :param client: ``(host, port)`` of the peer, None where it has none (a Unix socket)
        :param server: ``(host, port)`` of our side, or ``(path, None)``
        """
        raise NotImplementedError

    cdef int apply(self, Request request) except -1:
        """Correct the request. Its header fields are shared with other requests: replace items of the list, or the
        list; change no field."""
        raise NotImplementedError
