"""How is a server upgraded? Its successors are processes that the test has not started itself."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from .processes import HERE, Supervised, is_running, supervised, until

__all__ = ["end", "pid_of", "upgradable", "upgraded"]


@contextlib.contextmanager
def upgradable(
    directory: Path,
    *words: str,
    app: str = "application:app",
    environment: dict[str, str] | None = None,
    app_dir: Path = HERE,
) -> Iterator[Supervised]:
    """A server, whose successors are gone in the end too."""
    words = ("--pid-file", "p", "--no-access-log", *words)
    with supervised(directory, *words, app=app, environment=environment, app_dir=app_dir) as server:
        try:
            yield server
        finally:
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if os.readlink(process / "cwd") == str(directory) and os.getpid() != int(process.name):
                        os.kill(int(process.name), signal.SIGKILL)


def pid_of(path: Path) -> int:
    pid = int(path.read_text())
    assert pid > 0
    return pid


def upgraded(server: Supervised, workers: int) -> tuple[int, int]:
    """Start a successor; the old and the new process, once the new one's workers have started."""
    old = pid_of(server.directory / "p")
    before = server.output.count("startup complete")
    os.kill(old, signal.SIGUSR2)
    until(lambda: server.output.count("startup complete") == before + workers)
    new = pid_of(server.directory / "p")
    assert new != old
    assert pid_of(server.directory / "p.oldbin") == old
    return old, new


def end(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    until(lambda: not is_running(pid))
