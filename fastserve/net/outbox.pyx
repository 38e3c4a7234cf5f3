"""When do bytes reach the transport?

A transport's write is a system call. So what is sent waits in its connection's outbox until the end of the loop's turn,
and then goes out as one write. An outbox with more than `bytes_max` bytes writes at once, which lets the transport say
that the client is slow.

Most answers are small, and the kernel takes them whole: those are sent without the transport, which would do the same
in five times as many instructions. It gets what the kernel does not take, and with it the question what is to become of
that: to wait until the client has read, or to find out that the client is gone. As long as it has anything to write,
all goes that way, so that nothing overtakes.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t

from fastserve.csrc.socket cimport fs_send
from fastserve.net.turn cimport Turn, Writer

cdef Py_ssize_t JOIN_BYTES_MAX = 65536
cdef enum:
    UNUSED = -3   # nothing was written yet, and many a connection writes but once: not worth the question
    UNASKED = -2  # the transport's socket is asked for at the next write
    NONE = -1


cdef class Bypass:
    """What writes to the outbox's connection, and not through its transport, while nothing is put into the outbox."""

    cdef int on_drained(self) except -1:
        """The transport, which was not when it was asked, is empty."""
        raise NotImplementedError

    cdef int stop(self) except -1:
        """Nothing more of this is wanted."""
        raise NotImplementedError


cdef class Outbox(Writer):
    """The write side of one connection.

    :param transport: an asyncio transport, in use until :meth:`close`
    :param turn: of the transport's loop
    :param bytes_max: the high-water mark in bytes; above it :attr:`paused` is set and writers wait
    """

    def __cinit__(self, object transport, Turn turn not None, Py_ssize_t bytes_max):
        self.transport = transport
        self.turn = turn
        self.bytes_max = bytes_max
        self.socket = UNUSED

    cdef inline void cork(self) noexcept:
        """Whoever works on the connection corks, and learns from `corks` whether somebody around it does as well."""
        self.corks += 1

    cdef inline int uncork(self) except -1:
        self.corks -= 1
        return 0

    cdef int put(self, bytes piece) except -1:
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
            self.flush_if_open()
        else:
            self.turn.add_writer(self)
        return 0

    cdef int flush_if_open(self) except -1:
        """Of a turn's many writes: the client may be gone already, and asyncio complains of each write to nobody."""
        if self.transport.is_closing():
            self.first = self.rest = None
            self.waiting_bytes = 0
            return 0
        return self.flush()

    cdef int flush(self) except -1:
        cdef bytes first = self.first
        cdef list rest = self.rest
        cdef Py_ssize_t size = self.waiting_bytes
        if first is None or self.closed:
            return 0
        self.first = self.rest = None
        self.waiting_bytes = 0
        if rest is None:
            self.write(first)
        elif size <= JOIN_BYTES_MAX or not self.turn.writelines_pauses:
            rest.insert(0, first)
            self.write(b"".join(rest))
        else:
            rest.insert(0, first)
            self.in_transport = True
            self.transport.writelines(rest)
        return 0

    cdef int write(self, bytes data) except -1:
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef Py_ssize_t sent
        if size <= JOIN_BYTES_MAX and self.may_send():
            sent = fs_send(self.socket, PyBytes_AS_STRING(data), size)
            if sent == size:
                return 0
            data = data[sent:]
        self.in_transport = True
        self.transport.write(data)
        return 0

    cdef bint may_send(self) except -1:
        """Whether the socket is still the transport's, which closes it before anybody hears of that: the number may be
        another client's already. And whether nothing in the transport has to go out before."""
        if self.socket == NONE or self.transport.is_closing():
            return False
        if self.socket == UNUSED:
            self.socket = UNASKED
            return False
        if self.socket == UNASKED:
            self.socket = socket_of(self.transport)
            if self.socket == NONE:
                return False
        if self.in_transport:
            self.in_transport = self.transport.get_write_buffer_size() > 0
        return not self.in_transport

    cdef int drop(self) except -1:
        if self.transport is not None:
            self.transport.abort()
        return 0

    cdef int pause(self) except -1:
        """The transport's high-water mark is passed."""
        self.paused = True
        self.left_before = 0
        return 0

    cdef int resume(self) except -1:
        if self.bypass is not None:
            return self.bypass.on_drained()
        self.paused = False
        self.wake()
        return 0

    cdef object wait_for_room(self):
        """A future that is done when there is room, or no connection any more."""
        cdef object future = self.turn.loop.create_future()
        if not self.paused or self.closed:
            future.set_result(None)
        elif self.waiters is None:
            self.waiters = [future]
        else:  # some may have been cancelled
            self.waiters = [waiter for waiter in self.waiters if not waiter.done()] + [future]
        return future

    cdef int close(self) except -1:
        """The connection is gone: what waits is dropped, who waits is woken. Breaks the cycle with the transport."""
        self.closed = True
        self.stop_bypass()
        self.first = self.rest = None
        self.waiting_bytes = 0
        self.transport = self.wire = None
        self.socket = NONE
        self.resume()
        return 0

    cdef int wake(self) except -1:
        cdef list waiters = self.waiters
        self.waiters = None
        if waiters is not None:
            for future in waiters:
                if not future.done():
                    future.set_result(None)
        return 0

    # ---- what writes past the transport ----

    cdef int bypass_by(self, Bypass bypass) except -1:
        """All that was put here goes out first; who writes waits from now on."""
        self.flush_if_open()
        self.bypass = bypass
        self.paused = True
        self.left_before = 0
        return 0

    cdef int bypassed(self) except -1:
        """The bypass is over: all is as before. Who waits is to be woken."""
        self.bypass = None
        self.paused = False
        self.in_transport = True
        self.transport.set_write_buffer_limits(self.bytes_max)
        return 0

    cdef int stop_bypass(self) except -1:
        cdef Bypass bypass = self.bypass
        if bypass is not None:
            self.bypass = None
            self.paused = False
            bypass.stop()
        return 0

    cdef bint is_drained(self) except -1:
        """Whether the transport holds nothing; if it does, the bypass hears when it does not."""
        if self.transport.get_write_buffer_size() == 0:
            return True
        self.transport.set_write_buffer_limits(0)  # pauses at once, and resumes when it is empty
        return False

    # ---- a client that takes nothing ----

    cdef uint64_t left_to_write(self) except? 0:
        """Bytes that the kernel has not got yet."""
        cdef uint64_t left = 0 if self.transport is None else self.transport.get_write_buffer_size()
        if self.bypass is not None:
            left += <uint64_t>self.bypass.left
        return left if self.wire is None else left + <uint64_t>self.wire.get_write_buffer_size()

    cdef bint is_stuck(self, double now_s, double timeout_s) except -1:
        """Whether what is left to write has not become less for so long, by who asks every now and then; never if the
        timeout is 0. Setting `left_before` to 0 makes the time begin anew."""
        cdef uint64_t left = self.left_to_write()
        if left == 0 or timeout_s <= 0:
            self.left_before = 0
            return False
        if left != self.left_before:
            self.left_before = left
            self.moved_at_s = now_s
            return False
        return now_s - self.moved_at_s >= timeout_s


cdef int socket_of(object transport) except UNASKED:
    """The descriptor of the transport's socket; NONE if it has none, or encrypts what is written to it."""
    if transport.get_extra_info("sslcontext") is not None:
        return NONE
    socket = transport.get_extra_info("socket")
    return NONE if socket is None else socket.fileno()
