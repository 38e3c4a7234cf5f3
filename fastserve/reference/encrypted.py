"""What does a connection do differently under TLS? (RFC 9112, 9.8; RFC 8446, 6.1)

It ends differently. Event loops cannot shut one direction of a TLS session: the answer's framing alone tells
that nothing more comes, and a peer that shuts its side has shut ours too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from fastserve.reference.connection import Connection, State
from fastserve.reference.endpoint import Endpoint
from fastserve.reference.parser import Limits, Parser

__all__ = ["EncryptedConnection", "refuse_plain"]


class EncryptedConnection(Connection):
    """A connection whose handshake is complete: `tls` is what ASGI's extension tells of its session.

    `wire` is the transport beneath, whose buffer has to be empty too before everything is sent.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        make_parser: Callable[[Limits], Parser],
        tls: dict[str, Any],
        wire: asyncio.WriteTransport,
    ) -> None:
        super().__init__(endpoint, make_parser)
        self.tls = tls
        self.wire = wire

    def eof_received(self) -> bool:
        """The other direction ends with this one: what can be answered at once is answered now."""
        self.at_eof = True
        if self.state is State.AWAITING_HEAD:
            self.work()
        self.close_after_write()
        return False

    def shut_side(self) -> None:
        """There is no such thing."""

    def break_off(self) -> None:
        """The lack of a close_notify tells the peer that the answer is not whole."""
        self.flush()
        self.drop()

    def close_after_write(self) -> None:
        if self.state < State.CLOSING:
            super().close_after_write()
            self.deadline_s = time.monotonic() + self.limits.linger_timeout_s

    def on_sweep(self, now_s: float) -> None:
        if self.state < State.LINGERING and not self.writing_paused:
            self.sweep_unpaused(now_s)
        if self.state is not State.CLOSING:
            super().on_sweep(now_s)
        # The peer may not confirm the session's end; it is given time for that when all is sent.
        elif self.left_to_write() > 0:
            self.deadline_s = now_s + self.limits.linger_timeout_s
            self.sweep_write(now_s)
        elif self.deadline_s is None or now_s >= self.deadline_s:
            self.drop()

    def sweep_unpaused(self, now_s: float) -> None:
        """One large write goes through the session at once, and no high-water mark tells of it beneath."""
        if self.left_to_write() == 0:
            self.write_left = 0
            return
        if self.state is State.AWAITING_HEAD and not self.head_clocked and self.deadline_s is not None:
            self.deadline_s = now_s + self.limits.timeout_keep_alive  # not idle: it takes its answers
        self.sweep_write(now_s)

    def left_to_write(self) -> int:
        return self.wire.get_write_buffer_size() + self.transport.get_write_buffer_size()


def refuse_plain(
    connection: Connection,
    transport: asyncio.Transport,
    data: bytes,
    introduced: tuple[Any, Any, bool] | None,
) -> None:
    """Answer a client that began to speak HTTP where TLS is spoken, in plain HTTP."""
    if introduced is not None:
        connection.introduce(*introduced)
    transport.set_protocol(connection)
    connection.connection_made(transport)
    connection.refuse(400, "plain HTTP on a TLS port", data)
