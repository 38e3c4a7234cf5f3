"""What does a WSGI application return to have a file sent?

PEP 3333, "Optional Platform-Specific File Handling". A server that is given one may send the file without
reading it, where there is a file whose bytes are what `read()` would give. Otherwise it iterates.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from typing import IO, Any

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
        part = self.part()
        return None if part is None else part[2]

    def part(self) -> tuple[int, int, int] | None:
        """What there is to read: the file's descriptor, offset and size in bytes.

        None where that is not a part of a regular file.
        """
        file: Any = getattr(
            self.file.read, "__self__", None
        )  # of a proxy, such as Django's, what is behind it
        if type(file) in (io.BufferedReader, io.BufferedRandom):
            raw = file.raw
        elif type(file) is io.FileIO:
            raw = file
        else:
            return None  # a GzipFile has a descriptor too: of what it unpacks
        if type(raw) is not io.FileIO:
            return None
        try:
            if type(file) is io.BufferedRandom:
                file.flush()
            status = os.fstat(raw.fileno())
            if not stat.S_ISREG(status.st_mode):
                return None
            offset = file.tell()
        except (OSError, ValueError):
            return None
        return raw.fileno(), offset, max(0, status.st_size - offset)
