"""How does a head pass from a driver to a protocol, once it is checked?

Most drivers hand over what the application said as it is, and the protocol reads it. One that has to check a head
earlier, where the application hears of it, spells it too: nothing is done twice then, and one object passes.
"""

cimport cython


# It refers to bytes only.
@cython.freelist(16)
@cython.no_gc
cdef class Head:
    """A head of an answer, checked and spelled. Nobody changes it: it may be that of many answers."""

    cdef list pairs(self):
        """The fields as ``(name, value)`` in bytes."""
        cdef list pairs = [tuple(line.split(b": ", 1)) for line in self.lines.split(b"\r\n")[:-1]]
        return pairs + [(b"connection", b"close")] if self.closes else pairs

    cdef Head with_length(self, Py_ssize_t length):
        """The same, which tells the length of a body where this one tells none."""
        cdef Head head = Head.__new__(Head)
        head.status, head.reason = self.status, self.reason
        head.closes, head.has_date, head.has_server = self.closes, self.has_date, self.has_server
        head.length = length
        head.lines = self.lines if self.status == 204 else self.lines + b"content-length: %d\r\n" % length
        return head
