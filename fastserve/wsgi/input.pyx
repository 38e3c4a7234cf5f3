"""How does a WSGI application read a body that is still arriving? (PEP 3333, "Input and Error Streams")

The loop's thread pushes what arrives; the application's thread takes it, and waits where it wants more. More than
`held_bytes_max` is never held: the client is stopped meanwhile.
"""

from collections import deque

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.string cimport memchr

from fastserve.wsgi.parking cimport Parking

from fastserve.stream.sink import ClientDisconnected


cdef class Input:
    """``wsgi.input``. For one thread at a time, like any file.

    `read` returns as many bytes as it was asked for, fewer only at the end of the body. Everything here raises
    ClientDisconnected, an OSError, where the body will never be complete.
    """

    def __cinit__(self):
        self.parts = deque()

    # ---- the loop's thread ----

    cdef int push(self, bytes data) except -1:
        """The caller stops the client when `paused` has become true."""
        self.parts.append(data)
        self.held_bytes += PyBytes_GET_SIZE(data)
        if self.held_bytes > self.held_bytes_max:
            self.paused = True
        if self.held_bytes >= self.wanted_bytes or self.paused:
            self.wake()
        return 0

    cdef int end(self) except -1:
        self.ended = True
        return self.wake()

    cdef int lose(self) except -1:
        if not self.ended:
            self.lost = True
        return self.wake()

    cdef int wake(self) except -1:
        if self.parking is not None:
            self.parking.unpark()
        return 0

    cdef int ask(self) except -1:
        """In the application's thread: it waits for the body, or there is room for more."""
        raise NotImplementedError

    # ---- the application's thread ----

    cdef bint has_data(self, Py_ssize_t wanted_bytes) except -1:
        """Wait for some; worth while when there are so many bytes. False at the end of the body."""
        if self.held_bytes > 0:
            return True
        if self.parking is None:
            self.parking = Parking()
        self.wanted_bytes = min(wanted_bytes, self.held_bytes_max)
        if not self.ended:
            self.ask()
        while self.held_bytes == 0 and not self.ended:
            if self.lost:
                raise ClientDisconnected("the client went away, or was refused, before its body was complete")
            self.parking.park(0)
        return self.held_bytes > 0

    cdef bytes take(self, Py_ssize_t size):
        """Of the first part, up to `size` bytes."""
        cdef bytes part = <bytes>self.parts[0]
        cdef Py_ssize_t left = PyBytes_GET_SIZE(part) - self.at
        if size >= left:
            self.parts.popleft()
            if self.at > 0:
                part = part[self.at:]
                self.at = 0
            size = left
        else:
            part = part[self.at:self.at + size]
            self.at += size
        self.taken(size)
        return part

    cdef bytes take_line(self, Py_ssize_t size):
        """Of the first part, up to `size` bytes, and not beyond the end of a line."""
        cdef bytes part = <bytes>self.parts[0]
        cdef const char *start = PyBytes_AS_STRING(part) + self.at
        cdef Py_ssize_t left = min(size, PyBytes_GET_SIZE(part) - self.at)
        cdef const char *found = <const char *>memchr(start, c"\n", left)
        return self.take(found - start + 1 if found != NULL else left)

    cdef int taken(self, Py_ssize_t size) except -1:
        self.held_bytes -= size
        if self.paused and self.held_bytes <= self.held_bytes_max // 2:
            self.paused = False
            self.ask()
        return 0

    def read(self, size=-1):
        cdef Py_ssize_t left = -1 if size is None else size
        cdef list pieces = []
        cdef bytes piece
        if left < 0:
            left = <Py_ssize_t>((<size_t>-1) >> 1)
        while left > 0 and self.has_data(left):
            piece = self.take(left)
            left -= PyBytes_GET_SIZE(piece)
            pieces.append(piece)
        return <bytes>pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readline(self, size=-1):
        cdef Py_ssize_t left = -1 if size is None else size
        cdef list pieces = []
        cdef bytes piece
        if left < 0:
            left = <Py_ssize_t>((<size_t>-1) >> 1)
        while left > 0 and self.has_data(1):
            piece = self.take_line(left)
            left -= PyBytes_GET_SIZE(piece)
            pieces.append(piece)
            if piece.endswith(b"\n"):
                break
        return <bytes>pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def readlines(self, hint=-1):
        cdef Py_ssize_t left = -1 if hint is None else hint
        cdef list lines = []
        for line in self:
            lines.append(line)
            if left > 0:
                left -= len(line)
                if left <= 0:
                    break
        return lines

    def __iter__(self):
        return self

    def __next__(self):
        line = self.readline()
        if not line:
            raise StopIteration
        return line


cdef class NoInput:
    """``wsgi.input`` of a request that has no body. It has no state: one serves everybody."""

    def read(self, size=-1):
        return b""

    def readline(self, size=-1):
        return b""

    def readlines(self, hint=-1):
        return []

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration


NO_INPUT = NoInput()
