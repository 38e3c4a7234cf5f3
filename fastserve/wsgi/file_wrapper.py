"""What does a WSGI application return to have a file sent?

PEP 3333, "Optional Platform-Specific File Handling". The thread that runs the application reads the file
piece by piece. There is no sendfile(2): uvloop's transports have none, and a call of it on a copy of their
socket would overtake what they have not written yet.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import IO

__all__ = ["FileWrapper"]


class FileWrapper:
    """An iterable of a file's pieces. `block_bytes` is how much is read at once."""

    def __init__(self, file: IO[bytes], block_bytes: int = 65536) -> None:
        self.file = file
        self.block_bytes = block_bytes
        if hasattr(file, "close"):
            self.close = file.close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._read, b"")

    def _read(self) -> bytes:
        return self.file.read(self.block_bytes)

    def bytes_left(self) -> int | None:
        """How much there is to read, in bytes; None where that cannot be told beforehand."""
        try:
            status = os.fstat(self.file.fileno())
            return max(0, status.st_size - self.file.tell()) if stat.S_ISREG(status.st_mode) else None
        except (AttributeError, OSError, ValueError):
            return None
