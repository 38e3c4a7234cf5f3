"""Who hears what a proxy says before the first byte?

An `Introduction` is the first protocol of each accepted connection, in front of HTTP's or of a TLS
handshake's. That one is told of the connection at once, so that its deadlines, its limits and its server's
end hold from the first moment, but gets no bytes before the header is complete. Then it takes over, and this
object has no part in the connection any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastserve.features.trust import TrustedPeers
from fastserve.proxy_protocol.header import BadHeader, Ends, begins, read

__all__ = ["Listener"]


class Listener:
    """The protocol factory of a port on which trusted proxies introduce their clients.

    `protocol` makes what is behind it: asyncio protocols with a method `introduce(client, server, secure)`.
    `allowed` is the text of `--proxy-allow-ips`; all other peers speak for themselves.
    """

    def __init__(
        self, protocol: Callable[[], Any], allowed: str, endpoint: Any, header_bytes_max: int
    ) -> None:
        self.protocol = protocol
        self.trusted = TrustedPeers(allowed)
        self.endpoint = endpoint
        self.header_bytes_max = header_bytes_max

    def __call__(self) -> Introduction:
        return Introduction(self)


class Introduction(asyncio.Protocol):
    """One connection, until its header is complete."""

    __slots__ = ("_behind", "_expected", "_listener", "_peer", "_received", "_transport")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._behind = listener.protocol()
        self._received = bytearray()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        peer = self._peer = transport.get_extra_info("peername")
        here = transport.get_extra_info("sockname")
        self._expected = self._listener.trusted.trusts(
            peer[:2] if isinstance(peer, tuple) else None, (here, None) if isinstance(here, str) else None
        )
        self._behind.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._expected:
            if begins(self._received):
                self._refuse("it is not one of proxy_allow_ips")
            else:
                self._hand_over(0, None)
            return
        try:
            header = read(self._received, self._listener.header_bytes_max)
        except BadHeader as error:
            self._refuse(str(error))
        else:
            if header is not None:
                self._hand_over(*header)

    def eof_received(self) -> bool:
        """Nobody waits for an answer to half a header."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._expected and self._received:
            self._tell("it is not complete")
        self._end()[1].connection_lost(exc)

    def _hand_over(self, size: int, ends: Ends | None) -> None:
        """Let go on who was behind, with what came behind the header."""
        rest = bytes(memoryview(self._received)[size:])
        transport, behind = self._end()
        transport.set_protocol(behind)
        if ends is not None:
            behind.introduce(*ends)
        if rest:
            behind.data_received(rest)

    def _refuse(self, why: str) -> None:
        """End the connection. There is nothing to answer in: no protocol has begun."""
        self._tell(why)
        self._received.clear()
        self._transport.abort()

    def _tell(self, why: str) -> None:
        self._listener.endpoint.log_refused("PROXY header from %s refused: %s", self._peer, why)

    def _end(self) -> tuple[Any, Any]:
        """Let go of everything: uvloop's transport keeps hold of its first protocol."""
        transport, behind = self._transport, self._behind
        del self._transport, self._behind, self._received
        return transport, behind
