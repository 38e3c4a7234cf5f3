"""What makes a server over llhttp? The connections of this package, with its parser."""

from __future__ import annotations

import asyncio
from typing import Any

from fastserve.reference import encrypted
from fastserve.reference.connection import Connection
from fastserve.reference.endpoint import Endpoint
from fastserve.reference.llhttp_parser import LlhttpParser

__all__ = ["connection", "encrypted_connection", "refuse_plain"]


def connection(endpoint: Endpoint) -> Connection:
    """Return the protocol of a client."""
    return Connection(endpoint, LlhttpParser)


def encrypted_connection(
    endpoint: Endpoint, tls: dict[str, Any], wire: asyncio.WriteTransport
) -> encrypted.EncryptedConnection:
    """Return the protocol of a client whose handshake is complete."""
    return encrypted.EncryptedConnection(endpoint, LlhttpParser, tls, wire)


def refuse_plain(
    endpoint: Endpoint,
    transport: asyncio.Transport,
    data: bytes,
    introduced: tuple[Any, Any, bool] | None = None,
) -> None:
    """Answer a client that began to speak HTTP where TLS is spoken."""
    encrypted.refuse_plain(connection(endpoint), transport, data, introduced)
