"""How does an accepted connection become an encrypted one?

Not by the event loop's own `create_server(ssl=...)`: that drops a handshake that fails without a word, and
knows one context for ever. Here every accepted connection meets a `Handshake` first. It looks at the first
byte, which tells TLS from plain HTTP, has the loop upgrade the transport (`start_tls`), and hands it to the
HTTP connection. The next connection may be given another certificate; those that stand are not touched.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Callable
from typing import Any

from fastserve.log import logger
from fastserve.tls.credentials import Credentials, reason_of
from fastserve.tls.extension import facts

__all__ = ["Listener"]

#: Makes a connection's protocol from its endpoint, what ASGI's extension tells of its session, and the
#: transport beneath.
ProtocolFactory = Callable[[Any, dict[str, Any], Any], Any]
#: What a connection's `introduce` is given.
Introduced = tuple[Any, Any, bool]
#: Answers what is not encrypted: called with the endpoint, the transport, the first bytes, and for whom a
#: proxy speaks, or None.
Refusal = Callable[[Any, Any, bytes, Introduced | None], None]

#: Stands for "no deadline" where the event loop insists on one.
_NEVER_S = 10.0**7
#: What a request in plain HTTP can begin with: a method's name, or an empty line before it.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz\r\n")


class Listener:
    """The protocol factory of a TLS port. `credentials` may be replaced: the next connection gets them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        credentials: Credentials,
        endpoint: Any,
        protocol: ProtocolFactory,
        refuse_plain: Refusal,
        handshake_timeout_s: float,
    ) -> None:
        self.loop = loop
        self.credentials = credentials
        self.endpoint = endpoint
        self.protocol = protocol
        self.refuse_plain = refuse_plain
        self.handshake_timeout_s = handshake_timeout_s or _NEVER_S
        self.pending: set[Handshake] = set()
        self.closed = False
        self.start_tls_keywords: dict[str, Any] = {}
        # CPython 3.10's own event loop knows no such time.
        if sys.version_info >= (3, 11) or not isinstance(loop, asyncio.BaseEventLoop):
            self.start_tls_keywords["ssl_shutdown_timeout"] = _NEVER_S  # the connection has its own

    def __call__(self) -> Handshake:
        return Handshake(self)

    def close(self) -> None:
        """Drop what has not become a connection yet."""
        self.closed = True
        for handshake in list(self.pending):
            handshake.abort()


class Handshake(asyncio.Protocol):
    """One connection on its way: first the transport's protocol, then where early cleartext waits.

    uvloop's transport keeps hold of its first protocol, so what is not needed any more is let go of.
    """

    __slots__ = (
        "_connection",
        "_deadline_s",
        "_introduced",
        "_listener",
        "_lost",
        "_peer",
        "_received",
        "_task",
        "_timer",
        "_transport",
    )

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._received: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._lost = False
        self._connection: Any = None
        self._introduced: Introduced | None = None

    def connection_made(self, transport: Any) -> None:
        listener = self._listener
        self._transport = transport
        self._peer = transport.get_extra_info("peername")
        self._deadline_s = listener.loop.time() + listener.handshake_timeout_s
        self._timer = listener.loop.call_later(listener.handshake_timeout_s, self.abort)
        listener.pending.add(self)
        if listener.closed:
            self.abort()

    def introduce(self, client: Any, server: Any, secure: bool) -> None:
        """A proxy that speaks for its client has said who that is."""
        self._peer = client
        self._introduced = client, server, secure

    def data_received(self, data: bytes) -> None:
        self._received.append(bytes(data))
        if self._task is not None:
            return
        if data[0] in _PLAIN:
            self._refuse()
        else:
            self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._connection is not None:  # it took over while this call was in the queue
            self._connection.connection_lost(exc)
        elif self._task is None:
            self._end()

    def abort(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._end()
        self._transport.abort()

    def _end(self) -> None:
        self._timer.cancel()
        self._listener.pending.discard(self)

    def _refuse(self) -> None:
        """Plain HTTP: let it be said in plain HTTP."""
        self._end()
        self._listener.refuse_plain(
            self._listener.endpoint, self._transport, self._received[0], self._introduced
        )

    def _begin(self) -> None:
        """Start the handshake, and feed it what has been read by then.

        The order matters: in its first step `start_tls` puts the TLS layer's beginning and the resumption of
        reading into the loop's queue, and the feeding has to follow in the same turn, before anything is
        read. So this is no task of a factory that might run it at once.
        """
        loop = self._listener.loop
        self._timer.cancel()  # start_tls has its own
        self._task = asyncio.Task(self._shake(), loop=loop)
        loop.call_soon(loop.call_soon, self._feed)

    async def _shake(self) -> None:
        listener, wire = self._listener, self._transport
        loop = listener.loop
        if self._lost:
            self._end()
            return
        credentials = listener.credentials
        try:
            transport: Any = await loop.start_tls(
                wire,
                self,
                credentials.context,
                server_side=True,
                ssl_handshake_timeout=max(self._deadline_s - loop.time(), 0.001),
                **listener.start_tls_keywords,
            )
        except OSError as error:  # ssl.SSLError is one
            wire.abort()
            listener.endpoint.log_refused("TLS handshake with %s failed: %s", self._peer, _cause(error))
            return
        finally:
            self._end()
        try:
            self._hand_over(transport, credentials)
        except Exception:
            logger.exception("The protocol of a connection under TLS failed to begin")
            wire.abort()

    def _feed(self) -> None:
        """Give the TLS layer what was read before it was there."""
        protocol = self._transport.get_protocol()
        data = b"".join(self._received)
        self._received.clear()
        if protocol is self or self._lost:
            return
        if not hasattr(protocol, "get_buffer"):  # CPython 3.10's
            protocol.data_received(data)
            return
        while data:
            buffer = protocol.get_buffer(len(data))
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            protocol.buffer_updated(size)
            data = data[size:]

    def _hand_over(self, transport: Any, credentials: Credentials) -> None:
        """Let the HTTP connection go on, beginning with what came in the handshake's last flight."""
        session = transport.get_extra_info("ssl_object") if transport is not None else None
        if session is None or self._lost:
            return
        tls = facts(session, credentials)
        connection = self._listener.protocol(self._listener.endpoint, tls, self._transport)
        self._connection = connection
        if self._introduced is not None:
            connection.introduce(*self._introduced)
        transport.set_protocol(connection)
        connection.connection_made(transport)
        for data in self._received:
            connection.data_received(data)
        del self._received, self._task, self._timer, self._transport, self._peer


def _cause(error: OSError) -> str:
    """Say in a few words why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"client certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return reason_of(error)
    if isinstance(error, ConnectionAbortedError):
        return "not complete in time"
    return "the client went away"
