import asyncio

from fastserve.net.backlog import Backlog
from fastserve.stream.channel import ByteChannel

class Tunnel(Backlog):
    """The protocol object of one client whose request has become a session."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Never called: the connection is there."""

    def data_received(self, data: bytes | bytearray | memoryview) -> None: ...
    def eof_received(self) -> bool:
        """Whether the transport stays open: what was read before may wait for the session."""

    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...

class TunnelChannel(ByteChannel):
    """A tunnel, as its session sees it."""
