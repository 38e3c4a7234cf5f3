"""How is gunicorn started with our worker, and what becomes of its processes?"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .process import HERE, TIMEOUT_S, Process

WORKER = "fastserve.workers.FastserveWorker"


class Arbiter(Process):
    """A running gunicorn and the file that holds what it and its workers say."""

    @property
    def port(self) -> int:
        self.wait_for("Listening at: ")
        found = re.search(r"Listening at: https?://127\.0\.0\.1:(\d+) ", self.output)
        assert found, self.output
        return int(found[1])

    @property
    def pids(self) -> list[int]:
        """Of all workers that were ever started."""
        return [int(pid) for pid in re.findall(r"Booting worker with pid: (\d+)", self.output)]

    def worker(self) -> int:
        """The worker that answers."""
        return int(self.get("/process")[1].split()[0])

    def wait_for_end_of(self, pid: int) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while is_running(pid):
            assert time.monotonic() < deadline, f"{pid} still runs\n{self.output}"
            time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether a process is there that has not ended; one that nobody has waited for yet has."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # it has just ended; or this is no Linux
        return not Path("/proc/self/stat").exists()
    return state not in "ZX"


@contextlib.contextmanager
def gunicorn(
    directory: Path,
    *words: str,
    app: str = "application:app",
    worker: str = WORKER,
    chdir: Path = HERE,
    environment: dict[str, str] | None = None,
) -> Iterator[Arbiter]:
    """gunicorn with one worker on a free port; nothing of it is left at the end."""
    output = directory / "output.txt"
    command = [
        sys.executable, "-m", "gunicorn", "-k", worker, "-b", "127.0.0.1:0", "--chdir", str(chdir),
        "--no-control-socket", *words, app,
    ]  # fmt: skip
    with output.open("wb") as file:
        popen = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Arbiter(popen, output)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()
