"""`--blocked-loop-ms`: what holds the event loop is told, with its place, and nothing else is."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .process import HERE, Process, running

pytest.importorskip("fastserve.loop_watch", reason="nothing was compiled")

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
SOURCE = (HERE / "blocking.py").read_text().splitlines()


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(SOURCE, 1) if text in line)


@contextlib.contextmanager
def blocking(directory: Path, threshold_ms: int, *words: str, app: str = "blocking:app") -> Iterator[Process]:
    words = ("--port", "0", "--blocked-loop-ms", str(threshold_ms), *words)
    with running(directory, *words, app=app) as process:
        yield process


def told(process: Process, path: str) -> str:
    """The line about a request that is over, without the duration."""
    process.get(path)
    process.wait_for("held the event loop for")
    (line,) = (line for line in process.lines if "held the event loop for" in line)
    found = re.search(r"for ([\d,]+) ms", line)
    assert found and int(found[1].replace(",", "")) >= 250
    return re.sub(r" for [\d,]+ ms( \([\d,]+ ms of them without a processor\))?", "", line)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_request_that_sleeps(tmp_path: Path, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    with blocking(tmp_path, 100, "--loop", loop) as process:
        assert told(process, "/sleeping") == (
            f"WARNING:  GET /sleeping held the event loop: blocking.py:{line_of('time.sleep(0.4)')} in doze: "
            f"time.sleep(0.4), called by blocking.py:{line_of('    doze()')} in sleeping, "
            f"blocking.py:{line_of('await PATHS')} in app; other requests waited: 0. "
            'Use "def", or await asyncio.sleep.'
        )


def test_a_request_that_computes(tmp_path: Path) -> None:
    lines = []
    for _ in range(5):  # on a busy machine it may have computed too little of the time
        with blocking(tmp_path, 100) as process:
            lines.append(told(process, "/computing"))
        assert " in computing: " in lines[-1]
        if lines[-1].endswith(
            "It computes: run it in another process, as a thread would share the interpreter with the loop."
        ):
            return
    raise AssertionError(lines)


def test_c_code_that_keeps_the_lock(tmp_path: Path) -> None:
    """The stack is that of the call, and meanwhile the watcher has spoken without the interpreter."""
    with blocking(tmp_path, 50) as process:
        line = told(process, "/keeping-the-lock")
        assert (
            f"blocking.py:{line_of('C.usleep')} in keeping_the_lock: C.usleep(1_000_000), called by" in line
        )
        assert line.endswith("a thread would not help, run it in another process.")
        spoken = next(line for line in process.lines if "has been held for" in line)
        assert re.fullmatch(
            r"WARNING:  The event loop has been held for 0\.\d s, and the interpreter's lock \(GIL\) with "
            r"it: a call into C code has not returned \(process \d+\)",
            spoken,
        )


def test_a_task_of_a_request_is_that_request(tmp_path: Path) -> None:
    """As where middleware of a framework runs what it wraps in a task."""
    with blocking(tmp_path, 100) as process:
        assert told(process, "/in-a-task-of-the-request").startswith(
            "WARNING:  GET /in-a-task-of-the-request held the event loop: "
        )


def test_any_other_task(tmp_path: Path) -> None:
    with blocking(tmp_path, 100) as process:
        line = told(process, "/in-a-task")
        assert line.startswith("WARNING:  Task 'nightly' (in_a_task.<locals>.job) held the event loop: ")
        assert line.endswith("Rather await asyncio.sleep.")


def test_a_wsgi_request_in_the_loops_own_thread(tmp_path: Path) -> None:
    inline = ("--interface", "wsgi", "--wsgi-threads", "0")
    with blocking(tmp_path, 100, *inline, app="blocking:wsgi_app") as process:
        line = told(process, "/sleeping")
        assert line.startswith("WARNING:  GET /sleeping held the event loop: ")
        assert "in doze: time.sleep(0.4), called by " in line
        assert line.endswith(" Serve the application in threads (--wsgi-threads).")


def test_who_waits_is_counted_and_a_long_hold_is_told_before_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "let-go")
    with blocking(tmp_path, 50) as process, contextlib.ExitStack() as stack:
        read = [stack.enter_context(process.connect()) for _ in range(2)]
        for sock in read:
            sock.sendall(REQUEST)
            assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        holding = stack.enter_context(process.connect())
        holding.sendall(b"GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n")
        process.wait_for("held\n")
        fresh = stack.enter_context(process.connect())  # the kernel accepts it, and nobody else
        for sock in (read[0], fresh):
            sock.sendall(REQUEST)
        process.wait_for("other requests waited: 2.")
        assert "GET /waiting still holds the event loop, for " in process.output
        assert "held the event loop for" not in process.output
        (tmp_path / "let-go").write_text("")
        process.wait_for("GET /waiting held the event loop for ")


def test_who_writes_the_application_hears_of_less(tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--reload", app="blocking:app") as process:
        port = process.port  # of the parent, which does not listen
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except ConnectionRefusedError:
                assert process.popen.poll() is None, process.output
        assert told(process, "/sleeping").startswith("WARNING:  GET /sleeping held the event loop: ")
        process.terminate()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_0_watches_nothing(tmp_path: Path) -> None:
    def threads(process: Process) -> list[str]:
        tasks = Path(f"/proc/{process.popen.pid}/task")
        return sorted(path.read_text().strip() for path in tasks.glob("*/comm"))

    with blocking(tmp_path, 0) as process:
        process.get("/sleeping")
        process.get("/")
        assert "fastserve-watch" not in threads(process)
        assert "held" not in process.output
    with blocking(tmp_path, 1000) as process:
        process.get("/sleeping")
        process.get("/")
        assert "fastserve-watch" in threads(process)
        assert "held" not in process.output


def test_a_stopped_process_raises_no_alarm(tmp_path: Path) -> None:
    """With a request in hand and without one: time that nobody could use is nobody's."""
    with blocking(tmp_path, 100) as process:
        process.get("/")
        for _ in range(3):
            process.send(signal.SIGSTOP)
            os.waitpid(process.popen.pid, os.WUNTRACED)
            time.sleep(0.5)  # what is tested: this time counts for nothing
            process.send(signal.SIGCONT)
            process.get("/")
        assert process.terminate() == -signal.SIGTERM
        assert "held" not in process.output


def test_a_hold_that_the_shutdown_follows_is_told(tmp_path: Path) -> None:
    with blocking(tmp_path, 100) as process, process.connect() as sock:
        process.get("/")
        sock.sendall(b"GET /sleeping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        process.wait_for("dozes")
        assert process.terminate() == -signal.SIGTERM
        assert process.output.count("held the event loop for") == 1


def test_a_forked_child_does_not_hold_the_server_up(tmp_path: Path) -> None:
    with blocking(tmp_path, 100) as process, process.connect() as sock:
        sock.sendall(b"GET /leaving-a-child HTTP/1.1\r\nHost: a\r\n\r\n")
        while b"done" not in sock.recv(1000):  # not to its end: the child has the connection too
            pass
        began_s = time.monotonic()
        assert process.terminate() == -signal.SIGTERM
        assert time.monotonic() - began_s < 4
