"""fastserve/holder.py: who has the address that we wanted."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastserve import holder
from fastserve.holder import told_with_holder

COMM = Path("/proc/self/comm")
on_linux = pytest.mark.skipif(not COMM.exists(), reason="only Linux tells which process has a socket")

IN_USE = os.strerror(errno.EADDRINUSE)
HOLDER = """
import socket, sys
sock = socket.create_server(("127.0.0.1", 0))
print(sock.getsockname()[1], flush=True)
sys.stdin.read()
"""


def asked(family: int, address: Any, number: int = errno.EADDRINUSE) -> str:
    told = told_with_holder(OSError(number, os.strerror(number)), family, address)
    assert told.errno == number
    return str(told.strerror)


def ours() -> str:
    return f"{IN_USE} by process {os.getpid()} ({COMM.read_text().strip()})"


@contextlib.contextmanager
def listening(host: str) -> Iterator[int]:
    """A port that a socket listens at, and that nobody else has for the other family of addresses."""
    for _ in range(20):
        with contextlib.ExitStack() as sockets:
            try:
                taken = sockets.enter_context(socket.create_server((host, 0), family=family_of(host)))
                guard = sockets.enter_context(socket.socket(family_of("0.0.0.0" if ":" in host else "::")))
                if guard.family == socket.AF_INET6:
                    guard.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            except OSError:
                pytest.skip("no IPv6 here")
            port = taken.getsockname()[1]
            try:
                guard.bind(("", port))
            except OSError:
                continue
            yield port
            return
    raise AssertionError("no port is free for both families of addresses")


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


@on_linux
@pytest.mark.parametrize("taken", ["127.0.0.1", "0.0.0.0", "::1", "::"])
@pytest.mark.parametrize("wanted", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "::1", "::"])
def test_who_listens_there_or_on_a_wildcard(taken: str, wanted: str) -> None:
    family, wanted_family = family_of(taken), family_of(wanted)
    collides = (
        taken == wanted
        or (family == wanted_family and (taken in ("0.0.0.0", "::") or wanted in ("0.0.0.0", "::")))
        # Whether a wildcard of IPv6 stands for IPv4 is not in the table; where it does not, nobody asks.
        or taken == "::"
    )
    with listening(taken) as port:
        told = asked(wanted_family, (wanted, port))
        assert told == (ours() if collides else IN_USE)
        assert asked(wanted_family, (wanted, 1)) == IN_USE


@on_linux
def test_another_process_is_named() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin and other.stdout
        port = int(other.stdout.readline())
        told = asked(socket.AF_INET, ("127.0.0.1", port))
        other.stdin.close()
    assert told.startswith(f"{IN_USE} by process {other.pid} (python")


@on_linux
def test_a_unix_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "app.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        assert asked(socket.AF_UNIX, str(path)) == ours()
        monkeypatch.chdir(tmp_path)
        assert asked(socket.AF_UNIX, "app.sock") == ours()
        assert asked(socket.AF_UNIX, "other.sock") == IN_USE


def test_other_errors_are_left_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        assert asked(socket.AF_INET, sock.getsockname(), errno.EACCES) == os.strerror(errno.EACCES)


def test_where_nobody_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holder, "_lines", lambda table: [])
    with socket.create_server(("127.0.0.1", 0)) as sock:
        assert asked(socket.AF_INET, sock.getsockname()) == IN_USE


@on_linux
def test_a_holder_whose_descriptors_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with socket.create_server(("127.0.0.1", 0)) as sock:
        monkeypatch.setattr(os, "scandir", refuse)
        assert asked(socket.AF_INET, sock.getsockname()) == IN_USE
