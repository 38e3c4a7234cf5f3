"""Which bytes were read, and are not worked off yet?

One piece in most cases, which waits for the end of the loop's turn; more where what is in hand has to end first. Then
the connection pauses reading, so that there is never more than a read or two.
"""

from fastserve.net.endpoint cimport Peer


cdef class Backlog(Peer):
    """A connection that lets bytes wait."""

    cdef int keep(self, bytes data) except -1:
        """Behind what waits already."""
        if self.waiting is None:
            self.waiting = data
            self.waiting_at = 0
        elif self.waiting_more is None:
            self.waiting_more = [data]
        else:
            self.waiting_more.append(data)
        return 0

    cdef int put_back(self, bytes data, Py_ssize_t at) except -1:
        """In front of all that waits: the bytes from `at` on."""
        if self.waiting is not None:
            if self.waiting_more is None:
                self.waiting_more = [self.waiting]
            else:
                self.waiting_more.insert(0, self.waiting)
        self.waiting = data
        self.waiting_at = at
        return 0

    cdef bytes take_waiting(self):
        """The first piece, of which `waiting_at`, before the call, tells how much is used."""
        cdef bytes data = self.waiting
        self.waiting = None
        if self.waiting_more is not None:
            self.waiting = <bytes>self.waiting_more.pop(0)
            self.waiting_at = 0
            if not self.waiting_more:
                self.waiting_more = None
        return data

    cdef int forget_waiting(self) except -1:
        self.waiting = None
        self.waiting_more = None
        return 0
