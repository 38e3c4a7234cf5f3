"""How does a file reach its client without passing through this process? (sendfile(2))

Event loops' transports cannot send a file, or hold the connection's reading meanwhile. So the kernel is told to do it,
past the transport, once that has nothing left to write: what was written before goes out before. The loop watches a
duplicate of the socket, since it allows nobody to watch one that a transport has. Each turn sends one piece, so that
a fast client keeps no other one waiting.

Where the kernel cannot (a file system without it, a transport without a socket) the pieces are read, and written to
the transport whenever that is empty.
"""

import errno
import logging
import os

from libc.stdint cimport int64_t
from posix.unistd cimport close as close_descriptor

logger = logging.getLogger("fastserve.error")

cdef int64_t PIECE_BYTES_MAX = 524288
cdef int64_t COPY_BYTES_MAX = 65536
NOT_SUPPORTED = frozenset((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP))

cdef bint HAS_SENDFILE = hasattr(os, "sendfile")


cdef class FileSender(Bypass):
    """Sends a part of a file; `on_sent` and `on_over` are for who asked."""

    def __cinit__(self):
        self.socket = -1

    def __dealloc__(self):
        if self.socket >= 0:
            close_descriptor(self.socket)

    cdef int on_sent(self, int64_t size) except -1:
        """So many bytes more are the kernel's, or the transport's."""
        raise NotImplementedError

    cdef int on_over(self, object error) except -1:
        """All of it is sent, or, with an error, no more will be: the file has become shorter, or cannot be read. Not
        called when the connection is lost, or the sender stopped."""
        raise NotImplementedError

    cdef int begin(self, Outbox outbox, FileRange file) except -1:
        """Send the file behind what is in the outbox, from the loop's next turn on."""
        self.outbox = outbox
        self.file = file
        self.left = file.size
        self.loop = outbox.turn.loop
        transport = outbox.transport
        if HAS_SENDFILE and transport.get_extra_info("sslcontext") is None:
            socket = transport.get_extra_info("socket")
            if socket is not None:
                self.socket = duplicate_of(socket)
        outbox.bypass_by(self)
        return self.call_soon()

    def go_on(self):
        """Send a piece. The loop calls it when the client may take one."""
        self.is_called = False
        if self.is_over:
            return
        try:
            self.send_piece()
        except Exception:
            logger.exception("A file could not be sent; its connection is dropped")
            self.outbox.drop()

    cdef int send_piece(self) except -1:
        cdef Outbox outbox = self.outbox
        cdef int64_t sent
        if outbox.transport.is_closing() or not outbox.is_drained():
            return 0  # on_drained() comes, or stop()
        try:
            sent = self.pass_piece() if self.socket >= 0 else self.copy_piece()
        except BlockingIOError:
            return self.watch()
        except (ConnectionError, TimeoutError):
            return outbox.drop()  # the client is gone, as the transport would have found out
        except OSError as error:
            return self.end(error)
        if sent == 0:
            return self.end(RuntimeError(f"the file has become shorter: {self.left} bytes of the answer are missing"))
        if sent > 0:
            self.file.advance(sent)
            self.left -= sent
            self.on_sent(sent)
            if self.left == 0:
                return self.end(None)
        return self.watch()

    cdef int64_t pass_piece(self) except -2:
        """What went out of the file; 0 at its end, -1 where this kernel does not send such files."""
        cdef FileRange file = self.file
        try:
            return os.sendfile(self.socket, file.descriptor, file.offset, min(PIECE_BYTES_MAX, file.size))
        except OSError as error:
            if error.errno not in NOT_SUPPORTED:
                raise
        self.release()
        return -1

    cdef int64_t copy_piece(self) except -1:
        cdef FileRange file = self.file
        cdef bytes piece = os.pread(file.descriptor, min(COPY_BYTES_MAX, file.size), file.offset)
        if piece:
            self.outbox.transport.write(piece)
        return len(piece)

    cdef int watch(self) except -1:
        """Go on when there is room."""
        if self.socket < 0:
            return self.call_soon()
        if not self.is_watched:
            self.loop.add_writer(self.socket, self.go_on)
            self.is_watched = True
        return 0

    cdef int call_soon(self) except -1:
        if not self.is_called:
            self.is_called = True
            self.loop.call_soon(self.go_on)
        return 0

    cdef int on_drained(self) except -1:
        return self.call_soon()

    cdef int stop(self) except -1:
        if not self.is_over:
            self.is_over = True
            self.release()
            self.file = None
        return 0

    cdef int end(self, object error) except -1:
        cdef Outbox outbox = self.outbox
        self.stop()
        outbox.bypassed()
        self.on_over(error)
        return outbox.wake()

    cdef int release(self) except -1:
        """The duplicate of the socket is needed no more."""
        cdef int socket = self.socket
        if socket < 0:
            return 0
        if self.is_watched:
            self.is_watched = False
            self.loop.remove_writer(socket)
        self.socket = -1
        close_descriptor(socket)
        return 0


cdef int duplicate_of(object socket) except -2:
    """A descriptor of the same socket; -1 where the process can have no more."""
    try:
        return os.dup(socket.fileno())
    except OSError:
        return -1
