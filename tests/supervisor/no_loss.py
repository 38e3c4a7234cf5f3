"""What is lost while workers, or the server, are replaced? Strict clients count every answer.

A client that keeps its connection opens another one when an answer says that this one closes, and at no other
time; whatever else happens to a connection is a failure. Run as a program, this does the same for longer, to
a FastAPI application, and prints a table; it ends with the first failure. Words that it is given choose rows.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from .processes import TIMEOUT_S, Supervised, is_running, supervised, until
from .upgrades import end, pid_of, upgradable, upgraded

__all__ = ["CLIENTS", "Load", "kill", "loaded", "recycle", "restart", "scale", "upgrade"]

CLIENTS = 4
_REQUEST = b"GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n"


class Load:
    """Clients that ask without a pause, each in a thread; half of them with a connection for each request."""

    def __init__(
        self, address: str | tuple[str, int], path: str = "/", clients: int = CLIENTS, forgiving: bool = False
    ) -> None:
        """If they are `forgiving`, they go on after a failure, until nobody listens any more."""
        self.answers = 0
        self.failures: list[str] = []
        self.forgiving = forgiving
        self._address = address
        self._path = path.encode()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number % 2 == 0,)) for number in range(clients)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S)
        assert self.failures == [] or self.forgiving, self.failures

    def more(self) -> None:
        """Wait until there are a few answers more."""
        wanted = self.answers + 50
        until(lambda: self.answers >= wanted or (self.failures and not self.forgiving))

    def _ask(self, keep_alive: bool) -> None:
        request = _REQUEST % (self._path, b"" if keep_alive else b"Connection: close\r\n")
        while not self._stop.is_set():
            try:
                with self._connect() as sock:
                    while not self._stop.is_set():
                        sock.sendall(request)
                        if self._closes(sock):
                            assert sock.recv(1) == b""
                            break
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}, keep-alive {keep_alive}")
                if not self.forgiving or isinstance(error, ConnectionRefusedError):
                    break

    def _connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX if isinstance(self._address, str) else socket.AF_INET)
        sock.settimeout(TIMEOUT_S)
        try:
            sock.connect(self._address)
        except BaseException:
            sock.close()
            raise
        return sock

    def _closes(self, sock: socket.socket) -> bool:
        """Take one whole answer; return whether it is the last of its connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = sock.recv(65536)
            assert part, f"the connection ended after {data!r}"
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while len(body) < size:
            part = sock.recv(65536)
            assert part, "the connection ended within a body"
            body += part
        self.answers += 1
        return b"connection: close" in head.lower()


@contextlib.contextmanager
def loaded(server: Supervised, *words: str, path: str = "/", forgiving: bool = False) -> Iterator[Load]:
    """Clients of a server with two workers."""
    server.wait_for("startup complete", 2)
    address: str | tuple[str, int] = str(server.directory / "s")
    if "--uds" in words:
        with socket.socket(socket.AF_UNIX) as sock:
            until(lambda: sock.connect_ex(address) == 0)
    else:
        server.serving(2)
        address = ("127.0.0.1", server.process.port)
    load = Load(address, path, forgiving=forgiving)
    try:
        load.more()
        yield load
    finally:
        load.end()


# ---- what is done meanwhile ----


def restart(server: Supervised, load: Load, count: int) -> None:
    for number in range(count):
        before = set(server.workers)
        server.send(signal.SIGHUP)
        server.wait_for("startup complete", 2 * number + 4)
        load.more()
        until(lambda before=before: not before & set(server.workers))


def scale(server: Supervised, load: Load, count: int) -> None:
    for number in range(count):
        server.send(signal.SIGTTIN)
        server.wait_for("startup complete", number + 3)
        load.more()
        server.send(signal.SIGTTOU)
        until(lambda: len(server.workers) == 2)
        load.more()


def recycle(server: Supervised, load: Load, count: int) -> None:
    """Each worker that has done its part is replaced, and goes on until its successor serves."""
    until(lambda: server.output.count("Replacing child process") >= count)
    server.wait_for("startup complete", count + 2)


def upgrade(server: Supervised, load: Load, count: int) -> None:
    """As often, the new one is given up before."""
    for _ in range(count):
        for wanted in (False, True):
            old, new = upgraded(server, 2)
            load.more()
            end(old if wanted else new)
            load.more()
            until(lambda: not (server.directory / "p.oldbin").exists())


def kill(server: Supervised, load: Load, count: int) -> None:
    """What a worker has in hand is lost: of each client of its own a request, at the most."""
    for number in range(count):
        os.kill(server.workers[number % 2], signal.SIGKILL)
        server.wait_for("died: killed by SIGKILL", number + 1)
        server.wait_for("startup complete", number + 3)
        until(lambda: len(server.workers) == 2)
        load.more()
        assert len(load.failures) <= CLIENTS * (number + 1)
    for failure in load.failures:
        assert failure.startswith(("ConnectionResetError", "AssertionError: the connection ended")), failure


def kill_parent(server: Supervised, load: Load, count: int) -> None:
    """Workers end with it, and the port is free. Who comes until then is served."""
    everybody = [*server.children, *server.workers]
    server.send(signal.SIGKILL)
    server.process.end()
    until(lambda: not any(map(is_running, everybody)))
    with socket.create_server(("127.0.0.1", server.process.port)):
        pass


# ---- the table ----

_MODES = {
    "TCP": (),
    "TCP, `--reuse-port`": ("--reuse-port",),
    "TCP, `--preload`": ("--preload",),
    "UNIX socket": ("--uds", "s"),
}
_REQUESTS_MAX = ("--limit-max-requests", "500", "--limit-max-requests-jitter", "100")
_DEEDS: list[tuple[str, int, tuple[str, ...], Callable[[Supervised, Load, int], None]]] = [
    ("rolling restarts (HUP)", 20, (), restart),
    ("upgrades (USR2), and as many given up", 5, (), upgrade),
    ("workers recycled", 20, _REQUESTS_MAX, recycle),
    ("a worker more, a worker fewer", 20, (), scale),
    ("a worker killed (KILL)", 5, (), kill),
    ("the parent killed (KILL)", 1, (), kill_parent),
]


def _row(mode: str, what: str, count: int, words: tuple[str, ...], deed: object) -> str:
    words = (*words, "--workers", "2", "--no-access-log", *_MODES[mode])
    words = (*words, "--timeout-worker-healthcheck", "60")  # for machines that are busy with other things
    app_dir = Path(__file__).parents[2] / "examples" / "fastapi_app"
    with tempfile.TemporaryDirectory() as name:
        directory = Path(os.path.realpath(name))
        started = supervised(directory, *words, app="main:app", app_dir=app_dir)
        if deed is upgrade:
            started = upgradable(directory, *words, app="main:app", app_dir=app_dir)
        with started as server:
            forgiving = deed in (kill, kill_parent)
            with loaded(server, *words, path="/hello", forgiving=forgiving) as load:
                assert callable(deed)
                deed(server, load, count)
            if deed is upgrade:
                end(pid_of(directory / "p"))
            elif deed is not kill_parent:
                server.ends()
    lost = "all that came later" if deed is kill_parent else len(load.failures)
    return f"| {what} | {count} | {mode} | {load.answers:,} | {lost} |"


def _is_chosen(row: str) -> bool:
    return len(sys.argv) == 1 or any(word in row for word in sys.argv[1:])


def main() -> None:
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} processors\n")
    print("| what | times | where | answers | lost |\n|---|---|---|---|---|")
    for what, count, words, deed in _DEEDS:
        for mode in _MODES:
            if (deed is kill_parent and "--uds" in _MODES[mode]) or not _is_chosen(f"{what} {mode}"):
                continue
            print(_row(mode, what, count, words, deed), flush=True)


if __name__ == "__main__":
    main()
