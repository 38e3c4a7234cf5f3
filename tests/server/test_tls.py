"""TLS where the server is not the command on a port: in a thread, on a UNIX socket, with an own protocol."""

from __future__ import annotations

import contextlib
import gc
import socket
import ssl
import time
import urllib.request
from pathlib import Path

import pytest
import trustme

try:
    from fastserve.net.debug import live_objects
except ModuleNotFoundError:  # nothing was compiled

    def live_objects() -> dict[str, int]:
        return {}


from fastserve.testing import serve

from .application import app
from .process import TIMEOUT_S, get, running


class Pair:
    """A certificate, its key, and what a client needs to trust it."""

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        self.certfile, self.keyfile = str(directory / "cert.pem"), str(directory / "key.pem")
        issued.cert_chain_pems[0].write_to_path(self.certfile)
        issued.private_key_pem.write_to_path(self.keyfile)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)
        self.words = ("--ssl-certfile", self.certfile, "--ssl-keyfile", self.keyfile)

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        sock.settimeout(TIMEOUT_S)
        return self.client.wrap_socket(sock, server_hostname="localhost")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return Pair(tmp_path_factory.mktemp("pair"))


def test_a_test_serves_its_application_under_tls(pair: Pair) -> None:
    with serve(app, ssl_certfile=pair.certfile, ssl_keyfile=pair.keyfile) as server:
        assert server.url == f"https://127.0.0.1:{server.port}"
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=pair.client)
        with urllib.request.build_opener(*handlers).open(server.url + "/", timeout=TIMEOUT_S) as response:
            assert response.read() == b"hello"


def living(name: str) -> int:
    gc.collect()
    return sum(type(found).__name__ == name for found in gc.get_objects())


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_nothing_is_left_of_connections_and_handshakes(pair: Pair, loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    kinds = ("Handshake", "EncryptedConnection", "Connection", "H1Sink", "ASGICycle", "SSLProtocol")
    before = {kind: living(kind) for kind in kinds}
    counted = live_objects()
    with serve(app, ssl_certfile=pair.certfile, ssl_keyfile=pair.keyfile, loop=loop) as server:
        assert server.port is not None
        address = server.host, server.port
        with contextlib.ExitStack() as open_ones:
            for _ in range(3):
                client = open_ones.enter_context(pair.wrap(socket.create_connection(address, TIMEOUT_S)))
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
            assert living("EncryptedConnection") == before["EncryptedConnection"] + 3
        for data in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01", b""):
            with socket.create_connection(address, TIMEOUT_S) as plain:
                plain.sendall(data)
        deadline_s = time.monotonic() + TIMEOUT_S
        while (now := {kind: living(kind) for kind in kinds}) != before:
            assert time.monotonic() < deadline_s, now
            time.sleep(0.02)
        assert live_objects() == counted


def test_a_unix_socket_under_tls(pair: Pair, tmp_path: Path) -> None:
    """Who fails there has no address to be told, or has a path for one."""
    path = tmp_path / "app.sock"
    with running(tmp_path, "--uds", str(path), *pair.words) as process:
        process.wait_for("CTRL+C to quit")
        assert f"running on unix socket {path} " in process.output
        with socket.socket(socket.AF_UNIX) as plain:
            plain.connect(str(path))
            with pair.wrap(plain) as client:
                assert get(client, "/")[1] == "hello"
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(TIMEOUT_S)
            plain.connect(str(path))
            plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert plain.recv(65536).startswith(b"HTTP/1.1 400 ")
        process.wait_for("received from unix socket: 400 plain HTTP on a TLS port")
        with socket.socket(socket.AF_UNIX) as plain:
            plain.bind(str(tmp_path / "client.sock"))
            plain.settimeout(TIMEOUT_S)
            plain.connect(str(path))
            plain.sendall(b"\x16\x03\x01\xff\xff" + b"\xff" * 20)
            while plain.recv(65536):
                pass
        process.wait_for("TLS handshake with unix socket failed: ")
        process.terminate()
    assert not path.exists()


def test_a_protocol_of_the_users_own_under_tls(pair: Pair, tmp_path: Path) -> None:
    pytest.importorskip("fastserve.h1.connection")
    with running(tmp_path, "--port", "0", "--http", "application:own_protocol", *pair.words) as process:
        with pair.wrap(process.connect()) as client:
            assert get(client, "/")[1] == "hello"
        assert "own protocol" in process.output


def test_a_connection_whose_protocol_cannot_be_made_is_cut(pair: Pair, tmp_path: Path) -> None:
    with running(tmp_path, "--port", "0", "--http", "application:broken_protocol", *pair.words) as process:
        with pair.wrap(process.connect()) as client:
            assert client.recv(1) == b""
        process.wait_for("ZeroDivisionError")
        assert process.terminate() == -15


def test_one_file_may_hold_both_relative_to_where_the_command_runs(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_bytes(Path(pair.certfile).read_bytes() + Path(pair.keyfile).read_bytes())
    words = ("--port", "0", "--ssl-certfile", "c.pem")
    with running(tmp_path, *words) as process, pair.wrap(process.connect()) as client:
        assert get(client, "/")[1] == "hello"
