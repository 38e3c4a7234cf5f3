import asyncio
from typing import Any

from fastserve.h1.connection import Connection
from fastserve.net.endpoint import Endpoint

class EncryptedConnection(Connection):
    """A connection whose transport is encrypted; `encrypted_connection` makes one."""

    def connection_made(self, transport: asyncio.Transport) -> None: ...
    def eof_received(self) -> bool:
        """The other direction ends with this one: what can be answered at once is answered now."""

    def connection_lost(self, exc: Exception | None) -> None: ...

def encrypted_connection(
    endpoint: Endpoint, tls: dict[str, Any], wire: asyncio.BaseTransport
) -> EncryptedConnection:
    """Returns the protocol of a client whose handshake is complete.

    `tls` is what ASGI's TLS extension tells of the session, `wire` the transport beneath.
    """

def refuse_plain(
    endpoint: Endpoint,
    transport: asyncio.Transport,
    data: bytes,
    introduced: tuple[Any, Any, bool] | None = None,
) -> None:
    """Answers a client that began to speak HTTP where TLS is spoken, in plain HTTP.

    `introduced` is what `Connection.introduce` is to be told, if a proxy speaks for it.
    """
