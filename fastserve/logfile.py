"""How do several processes write one log file that is changed for a new one?

Nobody asks before writing: every write is whole lines in one write(2) to a file opened with O_APPEND, which
the kernel does not mix with another process's. Before it, each looks whether its file is still the one of
that name, so that a file that somebody has moved away is left for its successor. Only who moves it away takes
a lock, that of the directory, and looks again: so a file is moved once, however many find that it is due. The
others do not wait for that, and write on. So a line may stand in an old file when a new one exists already,
and a file may grow beyond its size meanwhile; no line is lost and none stands twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["FileHandler", "LogFile", "Rotation"]

_PERIODS = {"daily": "%Y-%m-%d", "hourly": "%Y-%m-%d_%H"}
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZE = re.compile(r"(\d+) ?([kmg]?)(?:i?b)?", re.IGNORECASE)


@dataclass(frozen=True)
class Rotation:
    """When a file is changed for a new one.

    `period` is a format for time.strftime: the file is changed when what it gives is another than when the
    file was begun, and named after what it gave then. `size_bytes_max` is the size that a file is not to
    exceed by what is written next. Neither: never.
    """

    period: str = ""
    size_bytes_max: int = 0

    @classmethod
    def of(cls, text: str | None) -> Rotation:
        """Return the rotation that `daily`, `hourly` or a size such as `100MB` means. Raises ValueError."""
        if text is None:
            return cls()
        if text.lower() in _PERIODS:
            return cls(period=_PERIODS[text.lower()])
        size = _SIZE.fullmatch(text.strip())
        if size is None or int(size[1]) == 0:
            raise ValueError(f"{text!r} is not daily, hourly or a size such as 100MB")
        return cls(size_bytes_max=int(size[1]) * _UNITS[size[2].lower()])

    def period_at(self, time_s: float) -> str:
        return time.strftime(self.period, time.localtime(time_s)) if self.period else ""


class LogFile:
    """A file of whole lines, opened at once. `keep` is how many of the moved ones stay; 0: all.

    Safe for threads of a process and for processes on one machine. Raises OSError.
    """

    def __init__(self, path: str | os.PathLike[str], rotation: Rotation | None = None, keep: int = 0) -> None:
        self.path = os.path.abspath(path)
        self._rotation = rotation or Rotation()
        self._keep = keep
        self._lock = threading.Lock()
        self._fd = -1
        self._open()

    def write(self, lines: bytes | memoryview) -> int:
        """Write whole lines, first changing the file if it is due; return how many bytes the system took."""
        with self._lock:
            self._prepare(len(lines))
            return os.write(self._fd, lines)

    def reopen(self) -> None:
        """Make the file anew if it was moved away, instead of at the next line."""
        with self._lock:
            self._prepare(0)

    def close(self) -> None:
        with self._lock:
            self._close()

    def _open(self) -> None:
        """Open the file of that name in place of the one that is open, which stays if that raises OSError."""
        try:
            opened = self._opened()
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            opened = self._opened()
        self._close()
        self._fd = opened
        found = os.fstat(self._fd)
        self._identity = (found.st_dev, found.st_ino)
        # A file that is found belongs to the time of its last line.
        self._period = self._rotation.period_at(found.st_mtime if found.st_size else time.time())

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        if self._fd >= 0 and os.geteuid() == 0:
            # A file that follows one of another user is that user's too, who writes to it as well.
            # O_EXCL: only what is made here, not what a link of theirs leads to.
            with contextlib.suppress(FileExistsError):
                made = os.open(self.path, flags | os.O_EXCL, 0o666)
                before = os.fstat(self._fd)
                with contextlib.suppress(OSError):  # a file system that has no owners
                    os.fchown(made, before.st_uid, before.st_gid)
                return made
        return os.open(self.path, flags, 0o666)

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _prepare(self, size: int) -> None:
        """See to it that the open file is the one of that name and may take so many bytes."""
        found = self._found()
        if found is None:
            try:
                self._open()
            except PermissionError:
                if self._fd < 0 or size == 0:
                    raise
                return  # who has moved it away may make the next one: until then it still takes lines
            found = os.fstat(self._fd)
        if size and self._due(found, size):
            # What cannot be moved, in a directory that is not ours, still takes lines.
            with contextlib.suppress(OSError), self._moving() as mine:
                if mine and self._found() is not None:
                    self._move()
            if self._found() is None:
                self._open()

    def _found(self) -> os.stat_result | None:
        """The state of the file of that name, None if it is not the open one."""
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        return found if self._fd >= 0 and (found.st_dev, found.st_ino) == self._identity else None

    def _due(self, found: os.stat_result, size: int) -> bool:
        rotation = self._rotation
        if found.st_size == 0:
            return False
        if rotation.size_bytes_max:
            return found.st_size + size > rotation.size_bytes_max
        # Not if the clock was set back.
        return rotation.period_at(time.time()) > self._period

    @contextlib.contextmanager
    def _moving(self) -> Iterator[bool]:
        """The right to move files of the directory: False if another process has it, which is not awaited."""
        directory = os.open(os.path.dirname(self.path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(directory)

    def _move(self) -> None:
        if self._rotation.period:
            self._move_by_time()
        else:
            self._move_by_number()

    def _move_by_time(self) -> None:
        """`app.log` → `app.log.2026-01-31`, or with `.1` and so on where that exists."""
        name = f"{self.path}.{self._period}"
        count = 0
        while os.path.lexists(name):
            count += 1
            name = f"{self.path}.{self._period}.{count}"
        os.rename(self.path, name)
        moved = self._moved(r"\d{4}-\d\d-\d\d(?:_[\d-]+)?(?:\.\d+)?")
        moved.sort(key=lambda suffix: (suffix.split(".")[0], int(suffix.partition(".")[2] or 0)))
        if self._keep:
            self._remove(moved[: -self._keep])

    def _move_by_number(self) -> None:
        """`app.log` → `app.log.1`, after `app.log.1` → `app.log.2` and so on."""
        there = {int(suffix) for suffix in self._moved(r"[1-9]\d*")}
        free = 1
        while free in there:
            free += 1
        for number in range(free, 1, -1):
            os.rename(f"{self.path}.{number - 1}", f"{self.path}.{number}")
        os.rename(self.path, f"{self.path}.1")
        if self._keep:
            self._remove(str(number) for number in there | {free} if number > self._keep)

    def _moved(self, pattern: str) -> list[str]:
        """What follows the name and a point, of the files where it is of this form."""
        directory, name = os.path.split(self.path)
        whole = re.compile(re.escape(name) + rf"\.({pattern})")
        return [found[1] for found in map(whole.fullmatch, os.listdir(directory)) if found]

    def _remove(self, suffixes: Any) -> None:
        for suffix in suffixes:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.path}.{suffix}")


class FileHandler(logging.Handler):
    """Writes records to a `LogFile`; in a logging configuration: `args=("app.log", "daily", 7)`.

    What the file does not take, on a disk that is full, goes to stderr. Raises OSError if the file cannot be
    opened, ValueError for a `rotate` that is none.
    """

    def __init__(self, filename: str | os.PathLike[str], rotate: str | None = None, keep: int = 0) -> None:
        # First, as logging closes at the end of the process whatever handler has begun to be one.
        self.file = LogFile(filename, Rotation.of(rotate), keep)
        super().__init__()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
        except Exception:
            self.handleError(record)
            return
        try:
            taken = self.file.write(line)
        except OSError:
            taken = 0
        if taken < len(line) and sys.stderr is not None:
            with contextlib.suppress(OSError, ValueError):  # ValueError: the stream object is closed
                sys.stderr.write(line.decode())
                sys.stderr.flush()

    def close(self) -> None:
        self.file.close()
        super().close()
