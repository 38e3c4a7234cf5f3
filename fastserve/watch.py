"""Which of the application's files have changed?

A process of its own answers that (`main`, started by `supervisor/reload.py`): watching is the work of an
extension module, watchfiles, where that is installed, and a walk over all files every so often where not.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fastserve.supervisor.ipc import Channel
from fastserve.supervisor.process import leave_to_parent

if TYPE_CHECKING:
    from fastserve.config import Config

__all__ = ["Selection", "main", "watcher"]

#: What is watched, and what of that is not, unless an option of the other kind names the pattern.
_INCLUDES = ("*.py",)
_EXCLUDES = (".*", ".py[cod]", ".sw.*", "~*")

#: Changes that follow one another so closely are told together: an editor writes in several steps.
_QUIET_MS = 20
_TOGETHER_MS = 200


class Selection:
    """The files whose changes count: directories to watch, and patterns of names.

    A pattern is one of `pathlib.PurePath.match`. Of the options, a pattern to include that is the name of a
    directory, or that matches some in the current one, is a directory to watch too; one to exclude is a
    directory whose files do not count.
    """

    def __init__(self, dirs: Sequence[str], includes: Sequence[str], excludes: Sequence[str]) -> None:
        wanted = {Path(name).resolve() for name in dirs} | _directories(includes)
        unwanted = self._unwanted = _directories(excludes)
        wanted = {
            path for path in wanted if path.is_dir() and not any(_is_in(path, other) for other in unwanted)
        }
        #: Whether directories were named, and none of them can be watched.
        self.fell_back = bool(dirs) and not wanted
        wanted = wanted or {Path.cwd()}
        #: The directories, none of which is in another.
        self.directories = sorted(
            path for path in wanted if not any(_is_in(path, other) for other in wanted - {path})
        )
        self._includes = {*includes} | {pattern for pattern in _INCLUDES if pattern not in excludes}
        self._includes -= {*excludes}
        self._excludes = {*excludes} | {pattern for pattern in _EXCLUDES if pattern not in includes}
        self._judged: dict[str, bool] = {}

    @classmethod
    def of(cls, config: Config) -> Selection:
        return cls(config.reload_dirs, config.reload_includes, config.reload_excludes)

    def counts(self, path: str) -> bool:
        """Whether changes of this file, by its absolute path, count."""
        if path not in self._judged:
            self._judged[path] = self._judge(Path(path))
        return self._judged[path]

    def _judge(self, path: Path) -> bool:
        included = [pattern for pattern in self._includes if path.match(pattern)]
        if any(str(path).endswith(pattern) for pattern in included):  # named, and not only matched
            return True
        return (
            bool(included)
            and not any(_is_in(path, directory) for directory in self._unwanted)
            and not any(path.match(pattern) for pattern in self._excludes)
        )


def _directories(patterns: Sequence[str]) -> set[Path]:
    found = set()
    for pattern in patterns:
        if pattern == ".*":  # names hidden files, and not all that lies in hidden directories
            continue
        absolute = os.path.isabs(pattern)
        paths = [Path(pattern), *(() if absolute else Path.cwd().glob(pattern))]
        found |= {path.resolve() for path in paths if path.is_dir()}
    return found


def _is_in(path: Path, directory: Path) -> bool:
    return path == directory or directory in path.parents


def watcher() -> str:
    """What watches, as uvicorn calls it."""
    return "WatchFiles" if find_spec("watchfiles") else "StatReload"


def main() -> None:
    """Tell the supervisor at the other end of the channel the paths of files that have changed."""
    leave_to_parent()
    channel = Channel.of_child()
    try:
        (selection, delay_s, since_s), _ = channel.receive_order()
    except EOFError:
        return
    threading.Thread(target=_end_with_parent, args=(channel,), daemon=True).start()

    def tell(paths: set[str]) -> None:
        if paths:
            channel.send(changed=sorted(paths))

    if watcher() == "WatchFiles":
        _watch(selection, delay_s, since_s, tell)
    else:
        _poll(selection, delay_s, since_s, tell)


def _end_with_parent(channel: Channel) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while channel.receive(wait=True) is not None:
        pass
    os._exit(0)


def _watch(selection: Selection, delay_s: float, since_s: float, tell: Callable[[set[str]], None]) -> None:
    from watchfiles import watch

    class Begun:
        """The event that would end it: asked whether it is set, once everything is watched and then often."""

        asked = False

        def is_set(self) -> bool:
            if not self.asked:
                self.asked = True
                tell(_written_since(since_s, dict(_files(selection))))
            return False

    for found in watch(
        *selection.directories,
        watch_filter=None,
        step=_QUIET_MS,
        debounce=_TOGETHER_MS,
        stop_event=Begun(),
        ignore_permission_denied=True,
    ):
        tell({path for _, path in found if selection.counts(path)})
        time.sleep(delay_s)


def _poll(selection: Selection, delay_s: float, since_s: float, tell: Callable[[set[str]], None]) -> None:
    seen = dict(_files(selection))
    tell(_written_since(since_s, seen))
    while True:
        time.sleep(delay_s)
        now = dict(_files(selection))
        tell({path for path, _ in now.items() ^ seen.items()})
        seen = now


def _written_since(time_s: float, files: dict[str, tuple[int, int]]) -> set[str]:
    """What has changed since the application was started, before anything was watched."""
    return {path for path, (mtime_ns, _) in files.items() if mtime_ns > time_s * 1e9}


def _files(selection: Selection) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each file that counts, with what differs once it has been written."""
    for directory in selection.directories:
        for at, names, files in os.walk(directory):
            # What is installed there is not what is being written.
            names[:] = [
                name for name in names
                if name != "__pycache__" and not os.path.exists(os.path.join(at, name, "pyvenv.cfg"))
            ]  # fmt: skip
            for name in files:
                path = os.path.join(at, name)
                if selection.counts(path):
                    try:
                        status = os.stat(path)
                    except OSError:  # gone again
                        continue
                    yield path, (status.st_mtime_ns, status.st_size)
