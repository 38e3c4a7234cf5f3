"""`--threads`: how many calls may block at a time; and who hears that more of them wait."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from .process import Process, running

ADVICE = "--threads gives more; what only waits needs none where it can be awaited."


def ask(process: Process, path: str, stack: contextlib.ExitStack) -> None:
    sock = stack.enter_context(process.connect())
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


@pytest.mark.parametrize(
    ("path", "pool"), [("/asyncio", "the event loop's pool"), ("/anyio", "anyio's pool (def endpoints)")]
)
def test_a_pool_has_so_many_threads_and_who_waits_for_one_is_told(
    tmp_path: Path, path: str, pool: str
) -> None:
    os.mkfifo(tmp_path / "let-go")
    with running(tmp_path, "--port", "0", "--threads", "2", app="pooled:app") as process:
        with contextlib.ExitStack() as stack:
            for _ in range(5):
                ask(process, path, stack)
            process.wait_for("calls wait for one")
            (line,) = (line for line in process.lines if "calls wait for one" in line)
            assert line.startswith(
                f"WARNING:  All 2 threads of {pool} are in use, and 3 calls wait for one, for "
            )
            assert line.endswith(f" s by now. {ADVICE}")
            assert process.output.count("in a thread") == 2
            for begun in (2, 4, 5):
                process.wait_for("in a thread", begun)
                with open(tmp_path / "let-go", "w"):  # lets go of all who have it open
                    pass
            process.wait_for('" 200 OK', 5)
        process.terminate()


def test_without_the_option_anyio_has_its_own_number_and_is_looked_at(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "let-go")
    with running(tmp_path, "--port", "0", app="pooled:app") as process, contextlib.ExitStack() as stack:
        for _ in range(41):
            ask(process, "/anyio", stack)
        process.wait_for(
            "All 40 threads of anyio's pool (def endpoints) are in use, and 1 call waits for one"
        )
        assert process.output.count("in a thread") == 40
        process.popen.kill()
