import asyncio

from typing_extensions import Self

from fastserve.h1.sink import Channel
from fastserve.net.endpoint import Endpoint

class Connection(Channel):
    """The protocol object of one HTTP/1 client, for ``loop.create_server(lambda: Connection(endpoint))``.

    It has the methods of `asyncio.Protocol` and is no subclass of it.
    """

    def __new__(cls, endpoint: Endpoint) -> Self: ...
    def connection_made(self, transport: asyncio.Transport) -> None: ...
    def introduce(
        self, client: tuple[str, int] | None, server: tuple[str, int | None] | None, secure: bool
    ) -> None:
        """A proxy that speaks for its client has said who that is, where it came to, and whether by TLS.

        It is told before the first bytes.
        """

    def data_received(self, data: bytes | bytearray | memoryview) -> None: ...
    def eof_received(self) -> bool:
        """Whether the transport stays open: a client may shut its side after its request, and still read."""

    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...
    def peer_name(self) -> tuple[str, int] | None:
        """``(host, port)`` of the client, or None where it has none."""
