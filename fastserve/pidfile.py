"""Which process is it? A file says so while it runs."""

from __future__ import annotations

import contextlib
import os

from fastserve.errors import StartupError

__all__ = ["PidFile"]

_OLD = ".oldbin"


class PidFile:
    """Holds this process's number from `__init__` until `remove()`.

    Raises StartupError if the file cannot be written, or is that of another process that runs.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        owner = _owner(path)
        if owner is not None and owner != os.getpid() and _runs(owner):
            raise StartupError(f"The file {path} is that of process {owner}, which runs")
        try:
            _write(path)
        except OSError as error:
            raise StartupError(f"Cannot write --pid-file {path}: {error.strerror}") from None

    def step_aside(self) -> None:
        """Be `PATH.oldbin`, as nginx calls it: another process is to have the name. Raises OSError."""
        self._become(self._path + _OLD)

    def come_back(self) -> None:
        """Have the name again, if it was given up. Raises OSError."""
        if self._path.endswith(_OLD):
            self._become(self._path.removesuffix(_OLD))

    def _become(self, path: str) -> None:
        try:
            os.replace(self._path, path)
        except FileNotFoundError:  # somebody has removed it
            _write(path)
        self._path = path

    def remove(self) -> None:
        """Remove the file, unless it is another's by now. What cannot be removed is left: it names nobody."""
        if _owner(self._path) == os.getpid():
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def _write(path: str) -> None:
    """Whoever reads the file finds a whole number, of the former process or of this one. Raises OSError."""
    new = f"{path}.{os.getpid()}"
    try:
        with open(new, "w") as file:
            file.write(f"{os.getpid()}\n")
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def _owner(path: str) -> int | None:
    try:
        with open(path) as file:
            return int(file.read(32))
    except (OSError, ValueError):  # there is none, or what it says is no number
        return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
