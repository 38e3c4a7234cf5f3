"""What does a connection do differently under TLS? (RFC 9112, 9.8; RFC 8446, 6.1)

It ends differently. Event loops cannot shut one direction of a TLS session: the answer's framing alone tells that
nothing more comes, and a peer that shuts its side has shut ours too. Between the session's end and the connection's the
peer is waited for, which may not confirm it.
"""

from fastserve.csrc.clock cimport fs_monotonic_s
from fastserve.h1.connection cimport AWAITING_HEAD, CLOSING, LINGERING, Connection
from fastserve.net.endpoint cimport Endpoint

cdef Py_ssize_t EXCERPT_BYTES = 64


cdef class EncryptedConnection(Connection):
    """A connection whose transport is encrypted; :func:`encrypted_connection` makes one."""

    def connection_made(self, transport):
        Connection.connection_made(self, transport)
        self.outbox.wire = self.wire

    def eof_received(self):
        """The other direction ends with this one: what can be answered at once is answered now, the rest never."""
        self.at_eof = True
        if self.state == AWAITING_HEAD and self.waiting is not None:
            self.work()
        self.close_after_write()
        return False

    def connection_lost(self, exc):
        Connection.connection_lost(self, exc)
        self.wire = None

    cdef int shut_side(self) except -1:
        return 0

    cdef int break_off(self) except -1:
        """The lack of a close_notify tells the peer that the answer is not whole."""
        self.outbox.flush()
        return self.drop()

    cdef int close_after_write(self) except -1:
        if self.state < CLOSING:
            Connection.close_after_write(self)
            self.deadline_s = fs_monotonic_s() + self.endpoint.linger_timeout_s
        return 0

    cdef int on_sweep(self, double now_s) except -1:
        if self.state < LINGERING and not self.outbox.paused:
            self.sweep_unpaused(now_s)
        if self.state != CLOSING:
            return Connection.on_sweep(self, now_s)
        # The event loop's own deadline for the peer's confirmation counts from the beginning, and would cut an answer
        # off that a slow client still takes: this one begins when all is sent.
        if self.outbox.left_to_write() > 0:
            self.deadline_s = now_s + self.endpoint.linger_timeout_s
            return Connection.on_sweep(self, now_s)
        if now_s >= self.deadline_s:
            return self.drop()
        return 0

    cdef int sweep_unpaused(self, double now_s) except -1:
        """One large write goes through the session at once: it lies beneath, where no high-water mark tells of it."""
        if self.outbox.left_to_write() > 0 and self.state == AWAITING_HEAD:
            if not self.head_clocked and self.deadline_s > 0:
                self.deadline_s = now_s + self.endpoint.keep_alive_timeout_s  # not idle: it takes its answers
        if self.outbox.is_stuck(now_s, self.endpoint.write_timeout_s):
            self.endpoint.stuck_clients += 1
            return self.drop()
        return 0


def encrypted_connection(Endpoint endpoint not None, dict tls not None, object wire not None):
    """Returns the protocol of a client whose handshake is complete.

    :param endpoint: what it shares with the server's other connections
    :param tls: what ASGI's TLS extension tells of the session
    :param wire: the transport beneath, whose buffer has to be empty too before everything is sent
    """
    cdef EncryptedConnection connection = EncryptedConnection(endpoint)
    connection.tls = tls
    connection.wire = wire
    return connection


def refuse_plain(Endpoint endpoint not None, object transport not None, bytes data not None, tuple introduced=None):
    """Answers a client that began to speak HTTP where TLS is spoken, in plain HTTP.

    :param introduced: what :meth:`Connection.introduce` is to be told, if a proxy speaks for it
    """
    cdef Connection connection = Connection(endpoint)
    if introduced is not None:
        connection.introduce(*introduced)
    transport.set_protocol(connection)
    connection.connection_made(transport)
    connection.refuse(400, "plain HTTP on a TLS port", data[:EXCERPT_BYTES])
