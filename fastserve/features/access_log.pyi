import asyncio

from fastserve.stream.sink import Observer

class AccessLog(Observer):
    """Writes one line a request: ``INFO:     127.0.0.1:50000 - "GET / HTTP/1.1" 200 OK``. `fd` stays open."""

    def __init__(self, loop: asyncio.AbstractEventLoop, fd: int = 1) -> None: ...
    def flush(self) -> None:
        """Writes the lines that wait."""

    def close(self) -> None:
        """Writes the lines that wait, for the last time."""
