"""--preload: one process imports the application, and workers are forked from it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .no_loss import loaded
from .processes import Supervised, children_of, is_running, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

PRELOAD = ("--workers", "2", "--preload")

#: What it answers stands in its code.
VERSIONED = """
from pathlib import Path
from application import app as inner

async def app(scope, receive, send):
    if scope["type"] != "http" or scope["path"] != "/version":
        return await inner(scope, receive, send)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
    await send({"type": "http.response.body", "body": b"VERSION"})
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Supervised]:
    """Two workers that serve."""
    with supervised(tmp_path, *PRELOAD) as server:
        server.serving(2)
        yield server


def family(server: Supervised) -> tuple[int, list[int]]:
    """The process that has preloaded, and its workers."""
    (preloader,) = server.children
    return preloader, children_of(preloader)


def imports(server: Supervised) -> list[int]:
    """Who has imported the application, one after the other."""
    return [int(pid) for pid in (server.directory / "imported.txt").read_text().split()]


def is_replaced(server: Supervised, preloader: int) -> bool:
    """Whether another process has preloaded, and both workers are its."""
    children = server.children
    return len(children) == 1 and children != [preloader] and len(children_of(children[0])) == 2


def end(server: Supervised) -> None:
    """All end, with status 0."""
    preloader, workers = family(server)
    assert server.ends() == 0
    assert not any(map(is_running, [preloader, *workers]))


def test_the_application_is_imported_once(server: Supervised) -> None:
    """By a child that serves nobody; the parent has neither it nor the core."""
    preloader, workers = family(server)
    assert len(workers) == 2
    assert imports(server) == [preloader]
    assert Path(f"/proc/{preloader}/comm").read_text().startswith("fastserve: pre")
    until(lambda: {server.answers() for _ in range(10)} == {*workers})
    core = re.compile(r"/fastserve/\S+\.so|/uvloop/")
    assert core.search(Path(f"/proc/{preloader}/maps").read_text())
    assert not core.search(Path(f"/proc/{server.process.popen.pid}/maps").read_text())
    end(server)
    assert server.output.count("Finished server process") == 2
    assert "died" not in server.output


def test_a_restart_has_the_code_that_is_there_by_then(tmp_path: Path) -> None:
    """Worker by worker, and nothing is lost."""
    code = tmp_path / "versioned.py"
    code.write_text(VERSIONED.replace('VERSION"})', '1"})'))
    words = (*PRELOAD, "--no-access-log")
    with supervised(
        tmp_path, *words, app="versioned:app", environment={"PYTHONPATH": str(tmp_path)}
    ) as server:
        with loaded(server, *words) as load:
            before, _ = family(server)
            assert server.process.get("/version")[1] == "1"
            code.write_text(VERSIONED.replace('VERSION"})', '22"})').replace('b"1")]', 'b"2")]'))
            server.send(signal.SIGHUP)
            server.wait_for("startup complete", 4)
            load.more()
            until(lambda: is_replaced(server, before))
            assert server.process.get("/version")[1] == "22"
        assert "died" not in server.output
        end(server)


def test_a_restart_with_code_that_is_broken_leaves_those_who_serve(server: Supervised) -> None:
    before = family(server)
    (server.directory / "broken").write_text("half an edit")
    server.send(signal.SIGHUP)
    server.wait_for("aborting the restart.")
    assert "RuntimeError: half an edit" in server.output
    assert family(server) == before
    os.kill(before[1][0], signal.SIGKILL)  # and its successor has the code that serves
    server.wait_for("startup complete", 3)
    until(lambda: len(family(server)[1]) == 2)
    assert family(server)[0] == before[0]
    (server.directory / "broken").unlink()
    server.send(signal.SIGHUP)
    until(lambda: is_replaced(server, before[0]))
    end(server)


def test_an_application_that_cannot_be_imported_ends_it_all(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("no database")
    with supervised(tmp_path, *PRELOAD) as server:
        assert server.process.end() == 3
        assert "RuntimeError: no database" in server.output
        assert "in <module>" in server.output
        assert "] failed to start, stopping the parent process." in server.output
        assert len(imports(server)) == 1


def test_a_worker_that_dies_is_followed_by_another(server: Supervised) -> None:
    """How it ended is told, though another process is its parent."""
    preloader, (first, _) = family(server)
    os.kill(first, signal.SIGKILL)
    server.wait_for(f"Child process [{first}] died: killed by SIGKILL")
    server.wait_for("startup complete", 3)
    with server.open("/exit") as sock:
        assert sock.recv(1) == b""
    server.wait_for("died: exit status 7")
    server.wait_for("startup complete", 4)
    until(lambda: len(family(server)[1]) == 2)
    assert family(server)[0] == preloader
    assert imports(server) == [preloader]
    end(server)


def test_the_death_of_the_one_that_forks_is_no_loss(tmp_path: Path) -> None:
    """Its workers serve on, and are replaced by those of its successor."""
    words = (*PRELOAD, "--no-access-log")
    with supervised(tmp_path, *words) as server, loaded(server, *words) as load:
        preloader, _ = family(server)
        os.kill(preloader, signal.SIGKILL)
        server.wait_for(
            f"Child process [{preloader}], which preloads the application, died: killed by SIGKILL"
        )
        server.wait_for("startup complete", 4)
        load.more()
        until(lambda: is_replaced(server, preloader))
        load.more()
        assert server.output.count(" died: ") == 1


def test_workers_without_their_parent_are_watched(tmp_path: Path) -> None:
    """Nobody can tell how they end, but that they have."""
    with supervised(tmp_path, *PRELOAD) as server:
        server.serving(2)
        preloader, (first, second) = family(server)
        (tmp_path / "slow").touch()
        os.kill(preloader, signal.SIGKILL)
        server.wait_for("which preloads the application, died: killed by SIGKILL")
        os.kill(first, signal.SIGKILL)
        server.wait_for(f"Child process [{first}] died: unknown status")
        assert {server.answers() for _ in range(4)} == {second}
        server.send(signal.SIGTERM)
        assert server.process.end() == 0
        assert not is_running(second)
        assert server.output.count("Finished server process") == 1


@pytest.mark.parametrize("is_slow", [False, True], ids=["serving", "importing"])
def test_all_end_with_the_parent(tmp_path: Path, is_slow: bool) -> None:
    if is_slow:
        (tmp_path / "slow").touch()
    with supervised(tmp_path, *PRELOAD, "--timeout-graceful-shutdown", "0.1") as server:
        if is_slow:
            until(lambda: (tmp_path / "imported.txt").exists())
        else:
            server.serving(2)
        preloader, workers = family(server)
        server.send(signal.SIGKILL)
        server.process.end()
        until(lambda: not any(map(is_running, [preloader, *workers])))


def test_an_import_without_end_is_ended(tmp_path: Path) -> None:
    (tmp_path / "slow").touch()
    with supervised(tmp_path, *PRELOAD, "--worker-boot-timeout-s", "1") as server:
        server.wait_for("has not started in 1 seconds")
        server.wait_for("which preloads the application, died: killed by SIGKILL")
        assert server.ends() == 0


def test_what_an_import_has_begun_is_told(tmp_path: Path) -> None:
    """Its threads are nowhere after a fork."""
    (tmp_path / "threaded.py").write_text(
        "import signal, threading, time\nfrom application import app\n"
        "threading.Thread(target=time.sleep, args=(60,), name='pool', daemon=True).start()\n"
    )
    with supervised(
        tmp_path, *PRELOAD, app="threaded:app", environment={"PYTHONPATH": str(tmp_path)}
    ) as server:
        server.serving(2)
        assert "no worker has them: pool\n" in server.output
        assert server.answers() in family(server)[1]
        end(server)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_all_children_are_somebody_else(tmp_path: Path) -> None:
    """Who imports the application too; workers are not root's children then, and are root's to end."""
    with supervised(tmp_path, *PRELOAD, "--group", "daemon") as server:
        server.serving(2)
        preloader, workers = family(server)
        for pid in (preloader, *workers):
            assert "\nGid:\t1\t1\t1\t1\n" in Path(f"/proc/{pid}/status").read_text()
        end(server)


def test_reload_preloads_nothing(tmp_path: Path) -> None:
    with supervised(tmp_path, "--reload", "--preload") as server:
        server.serving(1)
        assert '"preload" flag is ignored when reloading is enabled.' in server.output
        assert server.answers() in server.children
        assert server.ends() == 0
