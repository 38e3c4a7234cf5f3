import logging

from fastserve.stream.sink import Observer

class AccessRecords(Observer):
    """Logs a record a request, with uvicorn's arguments: client, method, target, HTTP version, status.

    `prefix` stands before each path.
    """

    def __init__(self, log: logging.Logger, prefix: str = "") -> None: ...
    def flush(self) -> None:
        """Nothing waits."""

    def reopen(self) -> None:
        """The handlers have the files."""

    def close(self) -> None:
        """Nothing is held."""
