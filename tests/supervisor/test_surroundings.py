"""What the system around a server wants of it: its number, a user, words for systemd, the first process."""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import COMMAND, HERE, TIMEOUT_S, get, is_running, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

ONE_AND_TWO = pytest.mark.parametrize("words", [(), ("--workers", "2")], ids=["one process", "workers"])
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


# ---- the file with its number ----


@ONE_AND_TWO
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_pid_file_is_there_while_it_runs(
    tmp_path: Path, words: tuple[str, ...], number: signal.Signals
) -> None:
    file = tmp_path / "pid"
    with supervised(tmp_path, "--pid-file", "pid", *words) as server:
        server.serving(len(words) or 1)
        assert file.read_text() == f"{server.process.popen.pid}\n"
        server.ends(number)
    assert not file.exists()


def test_the_pid_file_of_a_process_that_runs_is_respected(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(f"{os.getpid()}\n")
    with supervised(tmp_path, "--pid-file", "pid") as server:
        assert server.process.end() == 3
        assert f"The file pid is that of process {os.getpid()}, which runs" in server.output
    assert (tmp_path / "pid").read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize("text", ["", "not a number", "4194400"])
def test_a_pid_file_that_was_left_is_taken_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "pid").write_text(text)
    with supervised(tmp_path, "--pid-file", "pid") as server:
        server.serving(1)
        assert (tmp_path / "pid").read_text() == f"{server.process.popen.pid}\n"


def test_a_pid_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with supervised(tmp_path, "--pid-file", "gone/pid") as server:
        assert server.process.end() == 3
        assert "Cannot write --pid-file gone/pid: No such file or directory" in server.output


def test_a_pid_file_is_removed_if_the_application_cannot_start(tmp_path: Path) -> None:
    (tmp_path / "broken").write_text("no database")
    with supervised(tmp_path, "--pid-file", "pid") as server:
        assert server.process.end() == 3
    assert not (tmp_path / "pid").exists()


# ---- as whom ----


def identity(pid: int) -> tuple[list[str], list[str], list[str]]:
    """The users, the groups and the further groups of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = [re.findall(rf"\n{name}:\t(.*)\n", status)[0].split() for name in ("Uid", "Gid", "Groups")]
    return found[0], found[1], found[2]


@functools.cache
def nobody_can_run() -> bool:
    """Whether this interpreter, with what is installed in it, can be read by users who own nothing of it."""
    command = [sys.executable, "-c", "import fastserve.supervised"]
    try:
        return not subprocess.run(command, user=65534, group=65534, cwd="/", capture_output=True).returncode
    except OSError:
        return False


@AS_ROOT
@pytest.mark.parametrize(
    ("words", "uid", "gid"),
    [
        (("--user", "nobody"), 65534, 65534),
        (("--user", "nobody", "--group", "7"), 65534, 7),
        (("--user", "54321", "--group", "54322"), 54321, 54322),
        (("--group", "daemon"), 0, 1),
    ],
    ids=["name", "group too", "numbers", "group only"],
)
def test_workers_are_somebody_else(tmp_path: Path, words: tuple[str, ...], uid: int, gid: int) -> None:
    """Also a single one; the parent stays root. The log file that it has made is theirs."""
    if uid != 0 and not nobody_can_run():
        pytest.skip(f"{sys.executable} or fastserve is not readable to users who own nothing of it")
    shutil.chown(tmp_path, uid, gid)
    directory = tmp_path
    while directory != directory.parent and directory.stat().st_mode & 0o005 != 0o005:
        directory.chmod(directory.stat().st_mode | 0o005)
        directory = directory.parent
    with supervised(tmp_path, *words, "--error-log-file", "e.log", "--uds", "s") as server:
        until(lambda: (tmp_path / "e.log").exists())
        until(lambda: "startup complete" in (tmp_path / "e.log").read_text())
        (worker,) = server.children
        users, groups, further = identity(worker)
        assert users == [str(uid)] * 4
        assert groups == [str(gid)] * 4
        assert "0" not in further
        assert identity(server.process.popen.pid)[0] == ["0"] * 4
        assert server.ends() == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--user", "no-such-user"), "Invalid value for user: there is no user 'no-such-user'."),
        (("--group", "no-such-group"), "Invalid value for group: there is no group 'no-such-group'."),
        (("--user", "54321"), "User 54321 is in no group that is known: group is needed too."),
        (("--umask", "rw"), "Invalid value for --umask: 'rw' is not octal digits like 027."),
    ],
)
def test_who_does_not_exist_is_a_bad_option(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    with supervised(tmp_path, *words) as server:
        assert server.process.end() == 2
        assert message in server.output


@ONE_AND_TWO
def test_the_umask_is_that_of_the_application_too(tmp_path: Path, words: tuple[str, ...]) -> None:
    with supervised(tmp_path, "--umask", "027", *words) as server:
        server.serving(len(words) or 1)
        assert (tmp_path / "imported.txt").stat().st_mode & 0o777 == 0o640


# ---- systemd ----


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """What NOTIFY_SOCKET names."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(TIMEOUT_S)
        yield sock


def heard(sock: socket.socket, wanted: str) -> dict[str, str]:
    """The next message that has this variable."""
    while True:
        message = dict(line.split("=", 1) for line in sock.recv(4096).decode().split("\n"))
        if wanted in message:
            return message


@ONE_AND_TWO
def test_systemd_hears_of_the_beginning_and_the_end(
    tmp_path: Path, systemd: socket.socket, words: tuple[str, ...]
) -> None:
    with supervised(tmp_path, *words, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as server:
        first = heard(systemd, "READY")
        assert first["READY"] == "1"
        assert server.answers()
        if words:
            while first["STATUS"] != "2 of 2 workers serve":
                first = heard(systemd, "STATUS")
        else:
            assert first["STATUS"] == "Serving"
        server.send(signal.SIGTERM)
        assert heard(systemd, "STOPPING") == {"STOPPING": "1", "STATUS": "Stopping"}
        server.process.end()


def test_systemd_hears_of_a_restart(tmp_path: Path, systemd: socket.socket) -> None:
    with supervised(
        tmp_path, "--workers", "2", environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}
    ) as server:
        heard(systemd, "READY")
        server.serving(2)
        server.send(signal.SIGHUP)
        reloading = heard(systemd, "RELOADING")
        assert reloading["MONOTONIC_USEC"].isdecimal()
        heard(systemd, "READY")
        server.wait_for("startup complete", 4)
        assert server.ends() == 0


def test_systemd_hears_that_a_restart_is_refused(tmp_path: Path, systemd: socket.socket) -> None:
    """`systemctl reload` waits for both words."""
    (tmp_path / "f.toml").write_text("workers = 1")
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    with supervised(tmp_path, "--config", "f.toml", "--supervise", environment=environment) as server:
        heard(systemd, "READY")
        (tmp_path / "f.toml").write_text("workers = many")
        server.send(signal.SIGHUP)
        heard(systemd, "RELOADING")
        heard(systemd, "READY")
        assert "Keeping all child processes and the configuration." in server.output
        assert server.ends() == 0


def test_systemd_hears_of_workers_that_end(tmp_path: Path, systemd: socket.socket) -> None:
    with supervised(
        tmp_path, "--workers", "2", environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}
    ) as server:
        server.serving(2)
        os.kill(server.children[0], signal.SIGKILL)
        until(lambda: heard(systemd, "STATUS")["STATUS"] == "1 of 2 workers serve")
        until(lambda: heard(systemd, "STATUS")["STATUS"] == "2 of 2 workers serve")


@ONE_AND_TWO
def test_the_watchdog_is_fed(tmp_path: Path, systemd: socket.socket, words: tuple[str, ...]) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    with supervised(tmp_path, *words, environment=environment):
        for _ in range(4):
            assert heard(systemd, "WATCHDOG") == {"WATCHDOG": "1"}


#: Does what systemd does before it starts a program; LISTEN_PID is the program's own number.
HAND_OVER = """
import os, sys
for target, source in enumerate(map(int, sys.argv[1].split(",")), 3):
    os.dup2(source, target, inheritable=True)
os.environ.update(LISTEN_FDS=str(len(sys.argv[1].split(","))), LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


@ONE_AND_TWO
def test_sockets_of_systemd_are_listened_on(tmp_path: Path, words: tuple[str, ...]) -> None:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    numbers = [os.dup(sock.fileno()) for sock in sockets]
    numbers = [os.dup(number) for number in numbers] + numbers  # beyond the numbers that they are given
    command = [sys.executable, "-c", HAND_OVER, ",".join(map(str, numbers[:2])), *COMMAND[1:]]
    try:
        with (tmp_path / "output.txt").open("w") as output:
            popen = subprocess.Popen(
                [*command, "application:app", "--app-dir", str(HERE), *words],
                cwd=tmp_path, stdout=output, stderr=output, pass_fds=numbers,
            )  # fmt: skip
        try:
            for sock in sockets:
                with socket.create_connection(sock.getsockname(), TIMEOUT_S) as client:  # waits for the start
                    assert get(client, "/")[1].isdecimal()
            popen.terminate()
            assert popen.wait(TIMEOUT_S) == (0 if words else -signal.SIGTERM)
            for sock in sockets:
                assert str(sock.getsockname()) in (tmp_path / "output.txt").read_text()
        finally:
            popen.kill()
            popen.wait()
    finally:
        for number in numbers:
            os.close(number)
        for sock in sockets:
            sock.close()


def test_sockets_that_were_not_handed_over_are_told(tmp_path: Path) -> None:
    """What LISTEN_FDS promises is not there."""
    code = "import os, sys; os.environ.update(LISTEN_FDS='2', LISTEN_PID=str(os.getpid())); "
    code += "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-c", code, *COMMAND[1:], "application:app", "--app-dir", str(HERE)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 3
    assert "Cannot listen on file descriptor 3: Bad file descriptor" in done.stderr
    assert "Traceback" not in done.stderr


def test_sockets_of_another_process_are_not_ours(tmp_path: Path) -> None:
    environment = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
    with supervised(tmp_path, environment=environment) as server:
        assert server.answers() if server.process.port else False


# ---- the first process of a container ----


@pytest.fixture
def first() -> tuple[str, ...]:
    """What starts a program as the first process of a PID namespace."""
    words = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    if shutil.which("unshare") is None or subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("this system makes no PID namespaces")
    return words


def test_the_first_process_of_a_container(tmp_path: Path, first: tuple[str, ...]) -> None:
    """Orphans are its children: it buries them. TERM ends it all."""
    with (tmp_path / "output.txt").open("w") as output:
        popen = subprocess.Popen(
            [*first, *COMMAND, "application:app", "--app-dir", str(HERE), "--workers", "2", "--uds", "s"],
            cwd=tmp_path, stdout=output, stderr=output,
        )  # fmt: skip

    def ask(path: str) -> str:
        with socket.socket(socket.AF_UNIX) as sock:
            until(lambda: sock.connect_ex(str(tmp_path / "s")) == 0)
            return get(sock, path)[1]

    def children(pid: int) -> list[int]:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    try:
        until(lambda: (tmp_path / "output.txt").read_text().count("startup complete") == 2)
        (server,) = children(popen.pid)
        assert "Started parent process [1]" in (tmp_path / "output.txt").read_text()
        before = children(server)
        ask("/orphan")
        until(lambda: "orphan\n" in (tmp_path / "output.txt").read_text())
        until(lambda: children(server) == before)
        os.kill(server, signal.SIGTERM)
        assert popen.wait(TIMEOUT_S) == 0
        assert not any(map(is_running, before))
    finally:
        popen.kill()
        popen.wait()
