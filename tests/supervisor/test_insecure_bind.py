"""--insecure-bind: TLS on some addresses and plain HTTP on others, in one process and in several."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from .processes import TIMEOUT_S, Supervised, get, supervised, until

trustme = pytest.importorskip("trustme")
pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def pair(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("pair") / "both.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    return str(path)


WAYS = {
    "uvloop": (),
    "asyncio": ("--loop", "asyncio"),
    "workers": ("--workers", "2"),
    "after a proxy's word": ("--proxy-protocol",),
}


@pytest.fixture(scope="module", params=WAYS)
def server(
    request: pytest.FixtureRequest, pair: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Supervised]:
    words = (
        *("--ssl-certfile", pair, "--bind", "127.0.0.1:0", "--bind", "unix:tls.sock"),
        *("--insecure-bind", "*:0", "--insecure-bind", "unix:plain.sock", *WAYS[request.param]),
    )
    with supervised(tmp_path_factory.mktemp("mixed"), *words) as started:
        started.wait_for("startup complete", 2 if request.param == "workers" else 1)
        started.wait_for("CTRL+C")
        until(lambda: tcp(started, 0).close() is None)
        yield started


def addresses(server: Supervised) -> list[str]:
    (line,) = [line for line in server.output.splitlines() if "running on" in line]
    return line.partition("running on ")[2].partition(" (")[0].split(", ")


def tcp(server: Supervised, number: int) -> socket.socket:
    port = int(addresses(server)[number].rpartition(":")[2])
    while True:
        try:
            return greeted(server, socket.create_connection(("127.0.0.1", port), TIMEOUT_S))
        except ConnectionRefusedError:  # a worker says that it has started, and then listens
            assert server.process.popen.poll() is None


def local(server: Supervised, path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(TIMEOUT_S)
    sock.connect(str(server.directory / path))
    return sock


def greeted(server: Supervised, sock: socket.socket) -> socket.socket:
    if "--proxy-protocol" in server.process.popen.args:  # type: ignore[operator]
        sock.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
    return sock


def test_each_speaks_what_it_should(server: Supervised, authority: trustme.CA) -> None:
    shown = addresses(server)
    assert [re.sub(r"\d+$", "", text) for text in shown] == [
        "https://127.0.0.1:", "unix socket tls.sock", "http://0.0.0.0:", "unix socket plain.sock",
    ]  # fmt: skip
    context = ssl.create_default_context()
    authority.configure_trust(context)
    for sock in (tcp(server, 0), local(server, "tls.sock")):
        with context.wrap_socket(sock, server_hostname="127.0.0.1") as encrypted:
            assert get(encrypted, "/")[1].isdecimal()
    for sock in (tcp(server, 2), local(server, "plain.sock")):
        with sock:
            assert get(sock, "/")[1].isdecimal()


def test_neither_speaks_the_other(server: Supervised) -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    for sock in (tcp(server, 0), local(server, "tls.sock")):
        with sock:
            sock.sendall(request)
            assert sock.recv(65536).startswith(b"HTTP/1.1 400 ")
    with tcp(server, 2) as sock:
        sock.sendall(b"\x16\x03\x01\x02\0")
        assert sock.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_without_tls_it_means_nothing(tmp_path: Path) -> None:
    with supervised(tmp_path, "--insecure-bind", ":0") as server:
        assert server.process.end() == 2
        assert "insecure_bind is for a server that speaks TLS elsewhere: use bind." in server.output


def test_none_stays_if_one_is_taken(pair: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("--ssl-certfile", pair, "--bind", "unix:s", "--insecure-bind", f"127.0.0.1:{port}")
        with supervised(tmp_path, *words) as server:
            assert server.process.end() == 3
            assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in server.output
        assert not (tmp_path / "s").exists()
