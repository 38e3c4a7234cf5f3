"""--workers: a parent, its children, and what signals and ends of either do."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .processes import COMMAND, HERE, TIMEOUT_S, get, is_running, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def lines(output: str) -> list[str]:
    text = re.sub(r"\[\d+\]", "[PID]", output)
    return [line.removeprefix("INFO:     ") for line in re.sub(r":\d+ \(", ":PORT (", text).splitlines()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_whole_life(tmp_path: Path, number: signal.Signals) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        assert len(server.serving(2)) == 2
        assert server.answers() in server.children
        assert server.ends(number) == 0
        said = lines(server.output)
        assert said[:2] == [
            "fastserve running on http://127.0.0.1:PORT (Press CTRL+C to quit)",
            "Started parent process [PID]",
        ]
        for line in ("Started server process [PID]", "Finished server process [PID]", "application shutdown"):
            assert said.count(line) == 2
        assert said.count(f"Received {number.name}, exiting.") == 1
        for line in ("Terminated child process [PID]", "Waiting for child process [PID]"):
            assert said.count(line) == 2
        assert said[-1] == "Stopping parent process [PID]"


def test_all_workers_serve_on_one_port(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "3") as server:
        children = set(server.serving(3))
        seen: set[int] = set()

        def has_seen_all() -> bool:
            seen.update(server.answers() for _ in range(50))
            return seen == children

        until(has_seen_all)


@pytest.mark.parametrize(
    ("words", "environment"),
    [
        ((), {"WEB_CONCURRENCY": "2"}),
        ((), {"FASTSERVE_WORKERS": "2", "WEB_CONCURRENCY": "1"}),
        (("--workers", "2"), {"WEB_CONCURRENCY": "1"}),
    ],
    ids=["WEB_CONCURRENCY", "FASTSERVE_WORKERS", "--workers"],
)
def test_where_their_number_comes_from(
    tmp_path: Path, words: tuple[str, ...], environment: dict[str, str]
) -> None:
    with supervised(tmp_path, *words, environment=environment) as server:
        assert len(server.serving(2)) == 2
        server.ends()


@pytest.mark.parametrize("number", ["0", "1"])
def test_one_process_needs_no_parent(tmp_path: Path, number: str) -> None:
    with supervised(tmp_path, "--workers", number) as server:
        server.wait_for("CTRL+C to quit")
        assert server.children == []
        assert server.answers() == server.process.popen.pid


def test_a_number_that_is_none_is_a_bad_option(tmp_path: Path) -> None:
    with supervised(tmp_path, environment={"WEB_CONCURRENCY": "many"}) as server:
        assert server.process.end() == 2
        assert "Invalid value for WEB_CONCURRENCY: 'many' is not a whole number" in server.output


PROGRAM = """
import sys
sys.path.insert(0, {path!r})
import fastserve
fastserve.run({app}, port=0, {options})
print("after")
"""


def program(directory: Path, app: str, options: str) -> subprocess.CompletedProcess[str]:
    code = PROGRAM.format(path=str(HERE), app=app, options=options)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=directory, capture_output=True, text=True, timeout=TIMEOUT_S
    )


def test_a_program_serves_with_workers(tmp_path: Path) -> None:
    """Its path, changed as it runs, is theirs; it needs no guard against being imported again."""
    code = PROGRAM.format(path=str(HERE), app="'application:app'", options="workers=2")
    with (tmp_path / "output.txt").open("w") as output:
        popen = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=output, stderr=output)
    try:
        until(lambda: (tmp_path / "output.txt").read_text().count("startup complete") == 2)
        popen.terminate()
        assert popen.wait(TIMEOUT_S) == 0
        assert (tmp_path / "output.txt").read_text().endswith("after\n")
    finally:
        popen.kill()
        popen.wait()


@pytest.mark.parametrize("option", ["workers=2", "reload=True"])
def test_the_application_has_to_be_named(tmp_path: Path, option: str) -> None:
    done = program(tmp_path, "print", option)
    assert done.returncode == 3
    message = "You must pass the application as an import string to enable 'reload' or 'workers'."
    assert done.stderr == f"WARNING:  {message}\n"


def test_an_option_that_only_this_process_has_is_a_bad_one(tmp_path: Path) -> None:
    done = program(tmp_path, "'application:app'", "workers=2, loop=lambda: None")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "fastserve.errors.OptionError: loop is of the program itself: another process cannot import it."
    )


def test_an_application_that_cannot_start_ends_it_all(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("no database")
    with supervised(tmp_path, "--workers", "2") as server:
        assert server.process.end() == 3
        assert "RuntimeError: no database" in server.output
        assert "in <module>" in server.output
        assert "] failed to start, stopping the parent process." in server.output
        assert len((tmp_path / "imported.txt").read_text().splitlines()) <= 2


def test_a_port_that_is_taken_is_told_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ("--workers", "2", "--port", str(taken.getsockname()[1]))
        with supervised(tmp_path, *words) as server:
            assert server.process.end() == 3
            assert server.output.count("Cannot listen on") == 1
            assert "Started" not in server.output


@pytest.mark.parametrize(
    ("path", "how"), [("/crash", "killed by SIGABRT"), ("/exit", "exit status 7")], ids=["signal", "status"]
)
def test_a_worker_that_dies_is_followed_by_another(tmp_path: Path, path: str, how: str) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        before = set(server.serving(2))
        with server.open(path) as sock:
            assert sock.recv(1) == b""
        server.wait_for("died: " + how)
        after = set(server.serving(3))
        (gone,) = before - after
        assert f"Child process [{gone}] died: {how}" in server.output
        assert len(after) == 2
        assert server.answers() in after
        assert server.ends() == 0


def test_one_that_dies_again_and_again_is_waited_with(tmp_path: Path) -> None:
    """The first is followed at once, the next after half a second, then one, ..."""
    with supervised(tmp_path, "--workers", "2") as server:
        server.serving(2)
        for count in (3, 4):
            os.kill(server.children[0], signal.SIGKILL)
            server.wait_for("died: killed by SIGKILL", count - 2)
            server.serving(count)
        os.kill(server.children[0], signal.SIGKILL)
        server.wait_for("died: killed by SIGKILL", 3)
        assert len(server.children) == 1
        assert server.answers() in server.children
        assert server.ends() == 0


def test_a_parent_without_descriptors_waits_for_some(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        first, second = server.serving(2)
        parent = server.process.popen.pid
        soft, hard = resource.prlimit(parent, resource.RLIMIT_NOFILE)
        resource.prlimit(parent, resource.RLIMIT_NOFILE, (3, hard))
        os.kill(first, signal.SIGKILL)
        server.wait_for("Cannot start a child process: Too many open files")
        assert server.answers() == second
        server.send(signal.SIGHUP)
        server.wait_for("Cannot start a child process: Too many open files", 2)
        resource.prlimit(parent, resource.RLIMIT_NOFILE, (soft, hard))
        until(lambda: second not in server.children and len(server.children) == 2)
        assert server.answers() in server.children
        assert server.ends() == 0


def test_what_an_application_writes_to_the_parent_does_no_harm(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        server.serving(2)
        with server.open("/scribble") as sock:
            writer = int(sock.recv(1000).rpartition(b"\n")[2])
        server.send(signal.SIGTTIN)
        server.serving(3)
        assert writer in server.children
        assert server.ends() == 0


def test_ttin_and_ttou_change_their_number(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        server.serving(2)
        server.send(signal.SIGTTIN)
        assert len(server.serving(3)) == 3
        for left in (2, 1):
            server.send(signal.SIGTTOU)
            until(lambda left=left: len(server.children) == left)
        server.send(signal.SIGTTOU)
        server.wait_for("Already reached one process, cannot decrease the number of processes anymore.")
        assert server.answers() in server.children
        assert server.output.count("died") == 0
        assert server.ends() == 0


def test_hup_replaces_every_worker(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        before = set(server.serving(2))
        server.send(signal.SIGHUP)
        server.serving(4)
        until(lambda: len(server.children) == 2)
        assert not before & set(server.children)
        assert "died" not in server.output
        assert server.ends() == 0


def test_hup_leaves_those_who_serve_if_the_new_cannot(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        before = set(server.serving(2))
        (tmp_path / "broken").write_text("half an edit")
        server.send(signal.SIGHUP)
        server.wait_for("aborting the restart.")
        assert "RuntimeError: half an edit" in server.output
        assert set(server.children) == before
        assert server.answers() in before
        (tmp_path / "broken").unlink()
        server.send(signal.SIGHUP)
        server.serving(4)
        until(lambda: len(server.children) == 2)
        assert not before & set(server.children)
        assert server.ends() == 0


def test_usr1_opens_the_log_files_of_all_processes_again(tmp_path: Path) -> None:
    errors, requests, path = tmp_path / "error.log", tmp_path / "access.log", str(tmp_path / "s")
    words = ("--uds", path, "--error-log-file", str(errors), "--access-log-file", str(requests))

    def answers() -> int:
        with socket.socket(socket.AF_UNIX) as sock:
            until(lambda: sock.connect_ex(path) == 0)
            return int(get(sock, "/")[1])

    with supervised(tmp_path, "--workers", "2", *words) as server:
        until(lambda: errors.exists() and errors.read_text().count("startup complete") == 2)
        until(requests.exists)
        errors.rename(tmp_path / "error.old")
        requests.rename(tmp_path / "access.old")
        server.send(signal.SIGUSR1)
        until(lambda: errors.exists() and requests.exists())
        seen: set[int] = set()
        while len(seen) < 2:
            seen.add(answers())
        assert server.ends() == 0
        assert "Stopping parent process" in errors.read_text()
        assert errors.read_text().count("Finished server process") == 2
        assert requests.read_text().count("GET / ") > 1
        assert "GET" not in (tmp_path / "access.old").read_text()


def test_a_second_int_waits_no_longer(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        server.serving(2)
        with server.hold("/endless"):
            server.send(signal.SIGINT)
            server.wait_for("Waiting for connections to close. (CTRL+C to force quit)")
            assert server.ends(signal.SIGINT) == 0
            assert "application shutdown" in server.output


def test_quit_waits_for_no_request(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        server.serving(2)
        with server.hold("/endless"):
            assert server.ends(signal.SIGQUIT) == 0
            assert server.output.count("Application shutdown complete.") == 2


def test_what_a_terminal_sends_to_all_is_one_signal(tmp_path: Path) -> None:
    """Ctrl+C reaches the workers too: requests finish, and nobody shows a traceback."""
    with (tmp_path / "output.txt").open("w") as output:
        popen = subprocess.Popen(
            [*COMMAND, "application:app", "--app-dir", str(HERE), "--uds", "s", "--workers", "2"],
            cwd=tmp_path, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        said = (tmp_path / "output.txt").read_text
        until(lambda: said().count("startup complete") == 2)
        with socket.socket(socket.AF_UNIX) as sock:
            until(lambda: sock.connect_ex(str(tmp_path / "s")) == 0)
            sock.sendall(b"POST /held HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n")
            until(lambda: "held\n" in said())
            os.killpg(popen.pid, signal.SIGINT)
            until(lambda: said().count("Waiting for connections to close") == 1)
            sock.sendall(b"x")
            assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")
        assert popen.wait(TIMEOUT_S) == 0
        assert "Traceback" not in said()
        assert not (tmp_path / "s").exists()
    finally:
        popen.kill()
        popen.wait()


def test_a_worker_whose_loop_is_blocked_is_replaced(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2", "--timeout-worker-healthcheck", "0.4") as server:
        before = set(server.serving(2))
        with server.hold("/blocked") as sock:
            for what in ("told to end", "killed"):
                server.wait_for(f"seconds: it is {what}")
            assert sock.recv(1) == b""
        server.serving(3)
        until(lambda: len(before & set(server.children)) == 1)  # who is killed may still be to be buried
        assert server.answers() in server.children
        assert server.ends() == 0


def test_a_long_import_is_no_blocked_loop(tmp_path: Path) -> None:
    (tmp_path / "slow").touch()
    with supervised(tmp_path, "--workers", "2", "--timeout-worker-healthcheck", "0.1") as server:
        until(lambda: (tmp_path / "imported.txt").exists())
        before = set(server.children)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.popen.wait(0.5)
        (tmp_path / "slow").unlink()
        assert set(server.serving(2)) == before
        assert server.ends() == 0


def test_term_does_not_wait_for_an_import(tmp_path: Path) -> None:
    (tmp_path / "slow").touch()
    with supervised(tmp_path, "--workers", "2") as server:
        until(lambda: (tmp_path / "imported.txt").exists())
        assert server.ends() == 0


@pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "busy"])
def test_workers_end_with_their_parent(tmp_path: Path, is_busy: bool) -> None:
    """However it ends; and their port is free then."""
    with supervised(tmp_path, "--workers", "2", "--timeout-graceful-shutdown", "0.1") as server:
        children = server.serving(2)
        port = server.process.port
        sock = server.hold("/endless") if is_busy else server.process.connect()
        with sock:
            server.send(signal.SIGKILL)
            assert server.process.end() == -signal.SIGKILL
            until(lambda: not any(map(is_running, children)))
        assert server.output.count("Application shutdown complete.") == 2
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_parent_that_is_killed_while_they_import(tmp_path: Path) -> None:
    (tmp_path / "slow").touch()
    with supervised(tmp_path, "--workers", "2") as server:
        until(lambda: (tmp_path / "imported.txt").exists())
        children = server.children
        server.send(signal.SIGKILL)
        server.process.end()
        until(lambda: not any(map(is_running, children)))


def test_the_parent_imports_neither_application_nor_core(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        worker = server.serving(2)[0]
        core = re.compile(r"/fastserve/\S+\.so|/uvloop/")
        assert core.search(Path(f"/proc/{worker}/maps").read_text())
        assert not core.search(Path(f"/proc/{server.process.popen.pid}/maps").read_text())
        imported = [int(pid) for pid in (tmp_path / "imported.txt").read_text().split()]
        assert sorted(imported) == sorted(server.children)


@pytest.mark.memory
def test_the_parent_is_small_and_sleeps(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        server.serving(2)
        status = Path(f"/proc/{server.process.popen.pid}/status")
        (resident_kb,) = re.findall(r"VmRSS:\s+(\d+)", status.read_text())
        assert int(resident_kb) <= 20 * 1024

        def switches() -> int:
            (count,) = re.findall(r"\nvoluntary_ctxt_switches:\s+(\d+)", status.read_text())
            return int(count)

        before = switches()
        for _ in range(50):
            server.answers()
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.popen.wait(2)
        assert switches() - before <= 4
