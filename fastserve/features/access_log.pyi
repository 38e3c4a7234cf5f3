import asyncio

from fastserve.logfile import LogFile
from fastserve.stream.sink import Observer

class AccessLog(Observer):
    """Writes one line a request: ``INFO:     127.0.0.1:50000 - "GET / HTTP/1.1" 200 OK``.

    To `fd`, which stays open, or else to `file`, which is closed at the end. `prefix` stands before each
    path.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int = 1,
        use_colors: bool = False,
        file: LogFile | None = None,
        prefix: bytes = b"",
    ) -> None: ...
    def flush(self) -> None:
        """Writes the lines that wait."""

    def reopen(self) -> None:
        """Writes the lines that wait; then the file is made anew if it was moved away."""

    def close(self) -> None:
        """Writes the lines that wait, for the last time."""
