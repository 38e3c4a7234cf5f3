"""Which process is it? A file says so while it runs."""

from __future__ import annotations

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
        new = f"{path}.{os.getpid()}"
        try:
            with open(new, "w") as file:
                file.write(f"{os.getpid()}\n")
            os.replace(new, path)  # whoever reads it finds the whole number, of the former or of this process
        except OSError as error:
            raise StartupError(f"Cannot write --pid-file {path}: {error.strerror}") from None

    def step_aside(self) -> None:
        """Be `PATH.oldbin`, as nginx calls it: another process is to have the name. Raises OSError."""
        os.replace(self._path, self._path + _OLD)
        self._path += _OLD

    def come_back(self) -> None:
        """Have the name again, if it was given up."""
        if self._path.endswith(_OLD):
            name = self._path.removesuffix(_OLD)
            os.replace(self._path, name)
            self._path = name

    def remove(self) -> None:
        """Remove the file, unless it is another's by now."""
        if _owner(self._path) == os.getpid():
            os.unlink(self._path)


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
