from typing_extensions import Self

from fastserve.net.outbox import Bypass

class FileSender(Bypass):
    """Sends a part of a file past the transport."""

    def __new__(cls) -> Self: ...
    def go_on(self) -> None:
        """Sends a piece. The loop calls it when the client may take one."""
