"""--reload: an application that is being written, with both kinds of watcher."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .processes import TIMEOUT_S, Supervised, is_running, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

APPLICATION = """
from application import app as {name}
print("version {version}", flush=True)
"""

#: Python runs this in every process, if it is found.
WITHOUT_WATCHFILES = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "watchfiles" else find_spec(name, *rest)
"""


@pytest.fixture(params=["WatchFiles", "StatReload"])
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    if request.param == "WatchFiles":
        pytest.importorskip("watchfiles")
        return {}
    directory = tmp_path_factory.mktemp("site")
    (directory / "sitecustomize.py").write_text(WITHOUT_WATCHFILES)
    return {"PYTHONPATH": str(directory)}


class Written:
    """A directory with an application, and the server that follows it."""

    def __init__(self, server: Supervised) -> None:
        self.server = server
        self.file = server.directory / "main.py"
        self._versions = 0

    def save(self, name: str = "app") -> str:
        """Write the next version, with or without what is asked for; return what it says when it begins."""
        self._versions += 1
        # Python takes a file of the same size and second for the same one.
        self.file.write_text(APPLICATION.format(name=name, version=self._versions) + "#" * self._versions)
        return f"version {self._versions}\n"

    def reloads(self, name: str = "app") -> None:
        self.server.wait_for(self.save(name))


@pytest.fixture
def written(tmp_path: Path, environment: dict[str, str]) -> Iterator[Callable[..., Written]]:
    """Starts the server, with these words, once; the application has begun."""
    entered = []

    def start(*words: str) -> Written:
        (tmp_path / "main.py").write_text(APPLICATION.format(name="app", version=0))
        path = os.pathsep.join([*environment.values(), str(Path(__file__).parent)])
        context = supervised(
            tmp_path, "--reload", "--reload-delay", "0.05", *words,
            app="main:app", app_dir=tmp_path, environment={"PYTHONPATH": path},
        )  # fmt: skip
        server = context.__enter__()
        entered.append(context)
        server.serving(1)
        return Written(server)

    yield start
    for context in entered:
        context.__exit__(None, None, None)


def test_a_whole_life(written: Callable[..., Written], environment: dict[str, str], tmp_path: Path) -> None:
    name = "StatReload" if environment else "WatchFiles"
    application = written()
    server = application.server
    before = server.answers()
    application.reloads()
    server.serving(2)
    until(lambda: server.answers() != before)
    assert not is_running(before)
    assert server.ends() == 0
    lines = re.sub(r"\[\d+\]|:\d+ ", "#", server.output).splitlines()
    assert lines[:3] == [
        f"INFO:     Will watch for changes in these directories: ['{tmp_path}']",
        "INFO:     fastserve running on http://127.0.0.1#(Press CTRL+C to quit)",
        f"INFO:     Started reloader process # using {name}",
    ]
    assert f"WARNING:  {name} detected changes in 'main.py'. Reloading..." in lines
    assert lines.count("INFO:     Finished server process #") == 2
    assert lines[-1] == "INFO:     Stopping reloader process #"


def test_a_broken_file_waits_for_the_next_save(written: Callable[..., Written]) -> None:
    application = written()
    server = application.server
    application.reloads()
    application.file.write_text("def app(:\n")
    server.wait_for("SyntaxError")
    server.wait_for("died: exit status 3. Waiting for changes...")
    assert "def app(:" in server.output
    application.file.write_text("import no_such_module\n")
    server.wait_for("No module named 'no_such_module'")
    server.wait_for("Waiting for changes...", 2)
    # Connections that come meanwhile wait.
    with server.process.connect() as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        application.reloads()
        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert server.ends() == 0


def test_no_connection_fails_over_many_reloads(written: Callable[..., Written]) -> None:
    application = written()
    for _ in range(5):
        said = application.save()
        while said not in application.server.output:
            application.server.answers()
    assert application.server.ends() == 0


def test_a_long_request_does_not_hold_the_next_version_up(written: Callable[..., Written]) -> None:
    application = written()
    with application.server.hold() as sock:
        application.reloads()
        application.server.serving(2)
        sock.sendall(b"x")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert application.server.ends() == 0


def test_hup_reloads(written: Callable[..., Written]) -> None:
    application = written()
    before = application.server.answers()
    application.server.send(signal.SIGHUP)
    until(lambda: application.server.answers() != before)
    assert "detected changes" not in application.server.output
    assert application.server.ends(signal.SIGINT) == 0


def test_what_counts(written: Callable[..., Written], tmp_path: Path) -> None:
    """Directories and patterns; of a file that does not count, nothing is said, then or later."""
    for name in ("watched", "skipped", "elsewhere"):
        (tmp_path / name).mkdir()
    application = written(
        "--reload-dir", "watched", "--reload-dir", ".", "--reload-include", "*.html",
        "--reload-exclude", "skipped", "--reload-exclude", "*_test.py",
    )  # fmt: skip
    wait_for = application.server.wait_for
    for name in ("skipped/a.py", "watched/a_test.py", "watched/a.txt", ".hidden.py", "skipped/a.html"):
        (tmp_path / name).write_text("")
    (tmp_path / "elsewhere" / "page.html").write_text("")
    wait_for("detected changes in 'elsewhere/page.html'. Reloading...")
    (tmp_path / "watched" / "new.py").write_text("")
    wait_for("detected changes in 'watched/new.py'. Reloading...")
    (tmp_path / "watched" / "new.py").unlink()
    wait_for("detected changes in 'watched/new.py'. Reloading...", 2)
    assert application.server.output.count("detected changes") == 3
    assert application.server.ends() == 0


def test_the_delay_lies_between_two_looks(written: Callable[..., Written]) -> None:
    application = written("--reload-delay", "0.6")
    wait_for = application.server.wait_for
    application.save()
    wait_for("detected changes")
    first_s = time.monotonic()
    application.save()
    wait_for("detected changes", 2)
    assert 0.4 < time.monotonic() - first_s < TIMEOUT_S
    assert application.server.ends() == 0


def test_nobody_outlives_a_killed_reloader(written: Callable[..., Written]) -> None:
    application = written()
    until(lambda: len(application.server.children) == 3)  # one serves, one watches, one waits
    children = application.server.children
    application.server.send(signal.SIGKILL)
    application.server.process.end()
    until(lambda: not any(map(is_running, children)))


def test_a_spare_that_dies_is_done_without(written: Callable[..., Written]) -> None:
    application = written()
    server = application.server
    until(lambda: len(server.children) == 3)
    serving = server.answers()
    os.kill(max(server.children), signal.SIGKILL)
    until(lambda: len(server.children) == 2)
    assert serving in server.children
    application.reloads()
    assert server.ends() == 0


def test_workers_are_ignored(written: Callable[..., Written]) -> None:
    application = written("--workers", "4")
    assert '"workers" flag is ignored when reloading is enabled.' in application.server.output
    until(lambda: len(application.server.children) == 3)
    assert application.server.ends() == 0


def test_what_only_reload_means_is_told(tmp_path: Path) -> None:
    with supervised(tmp_path, "--reload-dir", ".") as server:
        server.wait_for("CTRL+C to quit")
        assert "Nothing is watched" in server.output
        assert server.ends() == -signal.SIGTERM


def test_a_directory_that_is_not_there_is_a_bad_option(tmp_path: Path) -> None:
    with supervised(tmp_path, "--reload", "--reload-dir", "gone") as server:
        assert server.process.end() == 2
        assert "Invalid value for --reload-dir: there is no directory 'gone'." in server.output


def test_a_unix_socket_is_removed_in_the_end(tmp_path: Path) -> None:
    with supervised(tmp_path, "--reload", "--uds", "s") as server:
        server.wait_for("startup complete")
        until((tmp_path / "s").is_socket)
        with socket.socket(socket.AF_UNIX) as sock:
            until(lambda: sock.connect_ex(str(tmp_path / "s")) == 0)
        assert server.ends() == 0
        assert not (tmp_path / "s").exists()
