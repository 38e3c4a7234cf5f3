"""When do bytes reach the transport?

A transport's write is a system call, and on its way through the kernel it may wake the client and evicts our code from
the processor's caches. So nothing is written while requests are worked off: an outbox that has something joins its
loop's WriteBatch, and the batch writes at the end of the turn, one outbox after the other, each all its pieces at once.
An outbox with more than `bytes_max` bytes writes at once, which lets the transport say that the client is slow.
"""

import logging

logger = logging.getLogger("fastserve.error")

cdef Py_ssize_t JOIN_BYTES_MAX = 65536


cdef class WriteBatch:
    """The outboxes that write at the end of this turn of the loop.

    :param loop: the running event loop
    """

    def __cinit__(self, object loop):
        self.loop = loop
        self.outboxes = []
        self.callback = self.write_out

    cdef int add(self, Outbox outbox) except -1:
        if not self.outboxes:
            self.loop.call_soon(self.callback)
        outbox.in_batch = True
        self.outboxes.append(outbox)
        return 0

    def write_out(self):
        """The loop calls it once in a turn that has something to write."""
        cdef Outbox outbox
        cdef list outboxes = self.outboxes
        self.outboxes = []
        for outbox in outboxes:
            outbox.in_batch = False
            try:
                outbox.flush()
            except Exception:
                logger.exception("A connection could not be written to; it is dropped")
                outbox.transport.abort()


cdef class Outbox:
    """The write side of one connection.

    :param transport: an asyncio transport, in use until :meth:`close`
    :param batch: of the transport's loop
    :param bytes_max: the high-water mark in bytes; above it :attr:`paused` is set and writers wait
    """

    def __cinit__(self, object transport, WriteBatch batch not None, Py_ssize_t bytes_max):
        self.transport = transport
        self.batch = batch
        self.bytes_max = bytes_max
        self.write = transport.write

    cdef inline void cork(self) noexcept:
        """Whoever works on the connection corks, and learns from `corks` whether somebody around it does as well."""
        self.corks += 1

    cdef inline int uncork(self) except -1:
        self.corks -= 1
        return 0

    cdef int put(self, object piece) except -1:
        """Queues bytes, which nobody may change any more."""
        if self.closed:
            return 0
        if self.first is None:
            self.first = piece
        elif self.rest is None:
            self.rest = [piece]
        else:
            self.rest.append(piece)
        self.waiting_bytes += len(piece)
        if self.waiting_bytes > self.bytes_max:
            self.flush()
        elif not self.in_batch:
            self.batch.add(self)
        return 0

    cdef int flush(self) except -1:
        cdef object first = self.first
        cdef list rest = self.rest
        cdef Py_ssize_t size = self.waiting_bytes
        if first is None or self.closed:
            return 0
        self.first = self.rest = None
        self.waiting_bytes = 0
        if rest is None:
            self.write(first)
        elif size <= JOIN_BYTES_MAX:
            rest.insert(0, first)
            self.write(b"".join(rest))
        else:
            rest.insert(0, first)
            self.transport.writelines(rest)
        return 0

    cdef int pause(self) except -1:
        """The transport's high-water mark is passed."""
        self.paused = True
        return 0

    cdef int resume(self) except -1:
        self.paused = False
        self.wake()
        return 0

    cdef object wait_for_room(self):
        """A future that is done when there is room, or no connection any more."""
        cdef object future = self.batch.loop.create_future()
        if not self.paused or self.closed:
            future.set_result(None)
        elif self.waiters is None:
            self.waiters = [future]
        else:
            self.waiters.append(future)
        return future

    cdef int close(self) except -1:
        """The connection is gone: what waits is dropped, who waits is woken. Breaks the cycle with the transport."""
        self.closed = True
        self.first = self.rest = None
        self.waiting_bytes = 0
        self.transport = self.write = None
        self.wake()
        return 0

    cdef int wake(self) except -1:
        cdef list waiters = self.waiters
        self.waiters = None
        if waiters is not None:
            for future in waiters:
                if not future.done():
                    future.set_result(None)
        return 0
