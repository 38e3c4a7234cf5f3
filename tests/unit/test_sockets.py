"""fastserve/sockets.py: from host and port, path or descriptor to bound sockets."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import stat
from pathlib import Path
from typing import Any

import pytest

from fastserve import sockets
from fastserve.config import Config
from fastserve.errors import OptionError, StartupError
from fastserve.sockets import Binding, bind, given

try:
    socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    HAS_IPV6 = True
except OSError:
    HAS_IPV6 = False
needs_ipv6 = pytest.mark.skipif(not HAS_IPV6, reason="no IPv6 here")


def bound(**options: Any) -> Binding:
    return bind(Config(None, **options))


@pytest.fixture
def taken() -> Any:
    """A listening socket on a free port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "app.sock")


def test_a_free_port_is_taken_and_told() -> None:
    binding = bound(port=0)
    (sock,) = binding.sockets
    host, port = sock.getsockname()
    assert host == "127.0.0.1"
    assert port > 0
    assert binding.address == f"http://127.0.0.1:{port}"
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    # Bound, not listening: who connects before the application has started up is refused.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port), 1)
    binding.close()
    assert sock.fileno() == -1


@needs_ipv6
def test_ipv6_stands_in_brackets() -> None:
    binding = bound(host="::1", port=0)
    (sock,) = binding.sockets
    assert binding.address == f"http://[::1]:{sock.getsockname()[1]}"
    assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    binding.close()


@needs_ipv6
def test_every_address_of_a_name_shares_the_port() -> None:
    binding = bound(host="", port=0)
    families = {sock.family for sock in binding.sockets}
    ports = {sock.getsockname()[1] for sock in binding.sockets}
    binding.close()
    assert families == {socket.AF_INET, socket.AF_INET6}
    assert len(ports) == 1
    assert binding.address == f"http://0.0.0.0:{ports.pop()}"


@needs_ipv6
def test_a_single_socket_of_a_name_is_of_ipv4() -> None:
    for host, name in (("localhost", "127.0.0.1"), ("", "0.0.0.0"), ("::1", "::1")):
        binding = bind(Config(None, host=host, port=0), single=True)
        assert [sock.getsockname()[0] for sock in binding.sockets] == [name]
        binding.close()


def addresses(*found: str) -> Any:
    """A getaddrinfo that finds these."""
    families = {host: socket.AF_INET6 if ":" in host else socket.AF_INET for host in found}

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(families[host], socket.SOCK_STREAM, 0, "", (host, port)) for host in found]

    return getaddrinfo


def test_an_address_that_the_machine_has_not_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", addresses("203.0.113.1", "127.0.0.1"))
    binding = bound(host="name", port=0)
    assert [sock.getsockname()[0] for sock in binding.sockets] == ["127.0.0.1"]
    binding.close()


def test_a_name_without_any_address_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", addresses("203.0.113.1", "198.51.100.1"))
    with pytest.raises(StartupError) as raised:
        bound(host="name", port=1)
    assert str(raised.value) == f"Cannot listen on name:1: {os.strerror(errno.EADDRNOTAVAIL)}"


def test_a_taken_port_is_one_line(taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    with pytest.raises(StartupError) as raised:
        bound(port=port)
    told = f"Cannot listen on 127.0.0.1:{port}: Address already in use"
    assert str(raised.value).partition(" by process ")[0] == told
    assert raised.value.__cause__ is None


def test_a_failure_leaves_no_socket_open(taken: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    original = sockets._bind_one
    monkeypatch.setattr(sockets, "_bind_one", lambda *address: made.append(original(*address)) or made[-1])
    monkeypatch.setattr(socket, "getaddrinfo", addresses("127.0.0.2", "127.0.0.1"))
    with pytest.raises(StartupError):
        bound(host="name", port=taken.getsockname()[1])
    assert [sock.fileno() for sock in made] == [-1]


@pytest.mark.parametrize("host", ["no host..", "999.1.1.1.1", "a" * 300])
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(StartupError, match=r"^Cannot listen on "):
        bound(host=host, port=1)


def test_a_unix_socket_is_open_to_all_and_goes_with_the_server(path: str) -> None:
    binding = bound(uds=path, port=1)
    assert binding.address == f"unix socket {path}"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
    binding.close()
    assert not os.path.exists(path)
    binding.close()


def test_a_stale_unix_socket_is_replaced_and_keeps_its_mode(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(path)
    os.chmod(path, 0o600)
    binding = bound(uds=path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    binding.close()


@pytest.mark.parametrize("mode", ["600", "0660"])
def test_a_unix_socket_takes_the_mode_that_is_asked_for(path: str, mode: str) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(path)
    os.chmod(path, 0o666)
    binding = bound(uds=path, uds_mode=mode)
    assert stat.S_IMODE(os.stat(path).st_mode) == int(mode, 8)
    binding.close()


@pytest.mark.parametrize("mode", ["", "rw", "680", "66", "1777", "0o660", "-60"])
def test_what_is_no_mode_is_refused(path: str, mode: str) -> None:
    with pytest.raises(OptionError, match=r"uds_mode: .* is not octal digits like 660"):
        bound(uds=path, uds_mode=mode)


@pytest.fixture
def owned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The user and group of each change of owner, which only root may make."""
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: calls.append((uid, gid)))
    return calls


def test_owner_and_group_by_name(path: str, owned: list[tuple[int, int]]) -> None:
    root = pwd.getpwuid(0)
    group = grp.getgrgid(root.pw_gid).gr_name
    bound(uds=path, uds_owner=root.pw_name, uds_group=group).close()
    assert owned == [(0, root.pw_gid)]


def test_owner_and_group_by_number(path: str, owned: list[tuple[int, int]]) -> None:
    bound(uds=path, uds_owner="12345").close()
    bound(uds=path, uds_group="54321").close()
    assert owned == [(12345, -1), (-1, 54321)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_socket_is_given_away(path: str) -> None:
    binding = bound(uds=path, uds_owner="12345", uds_group="54321", uds_mode="660")
    status = os.stat(path)
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 54321, 0o660)
    binding.close()
    assert not os.path.exists(path)


@pytest.mark.parametrize(("option", "what"), [("uds_owner", "user"), ("uds_group", "group")])
def test_an_owner_that_does_not_exist(path: str, option: str, what: str) -> None:
    with pytest.raises(StartupError) as raised:
        bound(uds=path, **{option: "no-such-name"})
    assert str(raised.value) == f"Cannot listen on unix socket {path}: there is no {what} 'no-such-name'"
    assert not os.path.exists(path)


def test_a_socket_that_cannot_be_given_away_is_removed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    with pytest.raises(StartupError, match="Operation not permitted"):
        bound(uds=path, uds_owner="0")
    assert not os.path.exists(path)


@pytest.mark.parametrize("full", [False, True])
def test_a_unix_socket_that_is_served_is_left_alone(path: str, full: bool) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as waiting:
        server.bind(path)
        server.listen(0)
        if full:
            waiting.connect(path)
        with pytest.raises(StartupError) as raised:
            bound(uds=path)
        told = f"Cannot listen on unix socket {path}: Address already in use"
        assert str(raised.value).partition(" by process ")[0] == told
        assert os.path.exists(path)


def test_a_file_is_not_replaced(path: str) -> None:
    Path(path).write_text("mine")
    with pytest.raises(StartupError, match="Address already in use"):
        bound(uds=path)
    assert Path(path).read_text() == "mine"


@pytest.mark.parametrize("bad", ["/no/such/directory/app.sock", "/tmp/" + "a" * 200])
def test_a_path_that_cannot_be_bound(bad: str) -> None:
    with pytest.raises(StartupError, match=r"^Cannot listen on unix socket /"):
        bound(uds=bad)


def test_a_path_that_another_server_has_taken_over_stays(path: str) -> None:
    first = bound(uds=path)
    second = bound(uds=path)  # the first one never listened
    first.close()
    assert os.path.exists(path)
    second.close()
    assert not os.path.exists(path)


def test_a_path_that_is_gone_is_no_error(path: str) -> None:
    binding = bound(uds=path)
    os.unlink(path)
    binding.close()


def test_a_descriptor_is_duplicated(taken: socket.socket) -> None:
    binding = bound(fd=taken.fileno(), uds="ignored", port=1)
    (sock,) = binding.sockets
    assert sock.family == socket.AF_INET
    assert sock.getsockname() == taken.getsockname()
    assert binding.address == f"socket {taken.getsockname()}"
    binding.close()
    # Whoever handed it over still listens.
    socket.create_connection(taken.getsockname(), 1).close()


def test_the_path_of_a_unix_descriptor_is_not_ours_to_remove(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as inherited:
        inherited.bind(path)
        binding = bound(fd=inherited.fileno())
        binding.close()
        assert os.path.exists(path)


def test_a_descriptor_that_is_closed() -> None:
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    with pytest.raises(StartupError) as raised:
        bound(fd=fd)
    assert str(raised.value) == f"Cannot listen on file descriptor {fd}: Bad file descriptor"


def test_a_descriptor_that_is_no_socket() -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with open(os.devnull) as file, pytest.raises(StartupError, match=r"^Cannot listen on file descriptor "):
        bound(fd=file.fileno())
    assert before == 0 or len(os.listdir("/proc/self/fd")) == before


def test_a_datagram_socket_cannot_listen() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(StartupError, match="it is not a stream socket"),
    ):
        bound(fd=sock.fileno())


def test_given_sockets_close_with_the_server(taken: socket.socket) -> None:
    binding = given([taken])
    assert binding.address == f"socket {taken.getsockname()}"
    binding.close()
    assert taken.fileno() == -1
