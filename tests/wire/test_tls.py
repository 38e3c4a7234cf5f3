"""TLS: what is served under it, what its options do, and row 50 of the hostile cases."""

from __future__ import annotations

import re
import signal
import ssl
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from .client import Client
from .script import answer, body, fill, script, start
from .servers import Server
from .tls import (
    Certificates,
    Session,
    TlsClient,
    TlsServer,
    client_hello,
    failing_start,
    options_of,
    refused,
)

HELLO = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"


# ---- what is served ----


def test_scheme_version_and_protocol(tls: TlsServer) -> None:
    context = tls.certificates.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    tls.seen()
    with TlsClient(tls.port, context) as client:
        assert client.socket.selected_alpn_protocol() == "http/1.1"
        assert client.socket.version() == "TLSv1.3"
        for _ in range(3):
            assert tls.hello(client).status == 200
    assert [seen.scheme for seen in tls.seen()] == ["https"] * 3
    assert f"running on https://127.0.0.1:{tls.port} " in tls.stderr()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_pipelined_requests_and_large_bodies(tls: TlsServer, version: ssl.TLSVersion) -> None:
    context = tls.certificates.client_context()
    context.minimum_version = context.maximum_version = version
    target = script(start(200, ("content-length", "3000000")), fill(100_000, 30))
    with TlsClient(tls.port, context) as client:
        client.send(HELLO * 20)
        for _ in range(20):
            assert client.response().status == 200
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert len(client.response().body) == 3_000_000
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)
        assert client.response().json()["body_length"] == 3_000_000


@pytest.mark.parametrize("piece_bytes", [1, 100, 65536])
def test_a_handshake_in_pieces_and_a_request_in_its_last_flight(tls: TlsServer, piece_bytes: int) -> None:
    with Session(tls, piece_bytes) as session:
        session.shake()
        session.tls.write(b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        session.flush()
        received, ended = session.read_to_end()
    assert received.startswith(b"HTTP/1.1 200 ")
    assert ended


@pytest.mark.skipif(sys.version_info < (3, 12), reason="an application begins in a later turn of the loop")
def test_a_client_that_ends_its_session_behind_its_request(tls: TlsServer, http: str) -> None:
    if http != "cython":
        pytest.skip("an application begins in a later turn of the loop: no task is begun eagerly")
    with Session(tls) as session:
        session.shake()
        session.tls.write(HELLO)
        session.flush()
        assert session.receive().startswith(b"HTTP/1.1 200 ")
        session.tls.write(f"GET {script(answer(b'whole'))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        with pytest.raises(ssl.SSLWantReadError):
            session.tls.unwrap()  # sends close_notify, and waits for the server's
        session.flush()
        received, ended = session.read_to_end()
    assert received.endswith(b"whole")
    assert ended
    assert "has no effect when using ssl" not in tls.stderr()


def test_an_early_answer_arrives_while_the_client_still_sends(tls: TlsServer) -> None:
    """Row 39 under TLS, where one side of a session cannot be shut alone."""
    target = script(start(413, ("content-length", "100000"), ("connection", "close")), fill(100_000))
    with tls.connect() as client:
        client.send(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n".encode())
        for _ in range(20):
            client.send(b"x" * 50_000)
        response = client.response()
        assert response.status == 413
        assert len(response.body) == 100_000
        for _ in range(20):
            client.send(b"x" * 50_000)
        client.expect_eof()


def test_a_slow_client_gets_the_whole_of_a_last_answer(tls: TlsServer) -> None:
    """The deadline for the end of the session (0.4 s here) does not run while the answer is on its way."""
    target = script(start(200, ("content-length", "20000000")), fill(20_000_000))
    with tls.connect(receive_buffer_bytes=65536, timeout_s=10) as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert client.receive()
        time.sleep(1.2)  # the deadline, three times over
        assert len(client.response().body) == 20_000_000
        client.expect_eof()


def test_an_answer_that_breaks_off_does_not_look_whole(tls: TlsServer) -> None:
    """To a 1.0 client the connection's end is the body's: there must be no close_notify."""
    target = script(start(200), body(b"part", more=True), ["wait", "torn"], ["fail"])
    with tls.connect() as client:
        client.send(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        while b"part" not in client.buffer:
            assert client.receive()
        tls.open_gate("torn")
        client.read_to_end()
        assert client.ending == "reset"


def test_handshakes_do_not_count_for_limit_concurrency(start_tls: Callable[..., TlsServer]) -> None:
    """As in uvicorn, a client is one from the end of its handshake on."""
    server = start_tls(**{"limit-concurrency": 2})
    hello = client_hello()
    with server.connect() as first, server.plain() as silent, server.plain() as begun:
        begun.send(hello)
        assert silent.port
        assert server.hello(first).status == 200
        with server.connect() as second:
            assert server.hello(second).status == 503
        server.await_output("Exceeded concurrency limit")


# ---- options ----


def test_encrypted_key(certificates: Certificates, start_tls: Callable[..., TlsServer]) -> None:
    pair = certificates.issue("encrypted")
    certificates.encrypt(pair[1], "secret")
    server = start_tls(**options_of(pair, ssl_keyfile_password="secret"))
    with server.connect() as client:
        assert server.hello(client).status == 200


def test_versions_and_ciphers(start_tls: Callable[..., TlsServer]) -> None:
    server = start_tls(**{"ssl-version": 5, "ssl-ciphers": "ECDHE+AESGCM"})
    with TlsClient(server.port, server.context) as client:
        assert client.socket.version() == "TLSv1.2"
        assert "GCM" in client.socket.cipher()[0]
    other = server.certificates.client_context()
    other.set_ciphers("ECDHE+CHACHA20")
    other.maximum_version = ssl.TLSVersion.TLSv1_2
    refused(server, other)
    server.await_output("TLS handshake with 127.0.0.1:[0-9]+ failed: no shared cipher")


def test_nothing_older_than_tls_1_2(tls: TlsServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to ask for an old version is deprecated
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    refused(tls, context)
    tls.await_output("failed: unsupported protocol")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"ssl-certfile": "/nowhere.pem"},
            "Cannot use --ssl-certfile /nowhere.pem: No such file or directory",
        ),
        ({"ssl-certfile": ""}, "--ssl-keyfile needs --ssl-certfile"),
        ({"ssl-keyfile": "/nowhere.key"}, "Cannot use --ssl-keyfile /nowhere.key: No such file or directory"),
        (
            {"ssl-certfile": "RUBBISH"},
            "--ssl-certfile RUBBISH: it holds no certificate in PEM, or a damaged one",
        ),
        (
            {"ssl-keyfile": "RUBBISH"},
            "--ssl-keyfile RUBBISH: it holds no private key in PEM that can be read",
        ),
        (
            {"ssl-ca-certs": "RUBBISH"},
            "--ssl-ca-certs RUBBISH: it holds no certificate in PEM, or a damaged one",
        ),
        ({"ssl-keyfile": ""}, "it holds no private key in PEM that can be read"),
        ({"ssl-keyfile": "OTHER"}, "it is not the key of"),
        ({"ssl-keyfile": "ENCRYPTED"}, "the key is encrypted, give --ssl-keyfile-password"),
        ({"ssl-keyfile": "ENCRYPTED", "ssl-keyfile-password": "wrong"}, "is --ssl-keyfile-password right"),
        ({"ssl-version": 3}, "--ssl-version 3 cannot be served"),
        ({"ssl-cert-reqs": 2}, "--ssl-cert-reqs 2 needs --ssl-ca-certs"),
        ({"ssl-ca-certs": "/nowhere.ca"}, "Cannot use --ssl-ca-certs /nowhere.ca: No such file"),
        ({"ssl-ciphers": "NONE"}, "Cannot use --ssl-ciphers NONE: No cipher can be selected"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(
    certificates: Certificates, http: str, changes: dict[str, str | int], reason: str
) -> None:
    pair = certificates.issue("checked")
    other = certificates.issue("other")[1]
    rubbish = certificates.directory / "rubbish.pem"
    rubbish.write_bytes(b"rubbish")
    encrypted = certificates.issue("encrypted")
    certificates.encrypt(encrypted[1], "secret")
    options = options_of(pair)
    for name, value in changes.items():
        if value == "":
            del options[name]
        elif value == "ENCRYPTED":
            options["ssl-certfile"], options["ssl-keyfile"] = encrypted
        elif value == "RUBBISH":
            options[name] = str(rubbish)
        else:
            options[name] = other if value == "OTHER" else value
    ended = failing_start(http, options)
    assert ended.returncode == 3
    (line,) = ended.stderr.splitlines()
    assert reason.replace("RUBBISH", str(rubbish)) in line


# ---- row 50, and handshakes that fail ----


def test_row_50_a_client_hello_on_a_plain_port(http: str) -> None:
    hello = client_hello()
    server = Server(http, {})
    try:
        for cut in (1, 2, 5, 43, len(hello)):
            with server.connect() as client:
                client.send(hello[:cut])
                client.socket.settimeout(5)
                client.send(hello[cut:]) if cut < len(hello) else None
                client.read_to_end()
        lines = server.lines_with("Invalid HTTP request")
        assert len(lines) == 5
        assert all("TLS handshake on a plain HTTP port" in line for line in lines)
        with server.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: \x16\r\n\r\n")
            assert client.response().status == 400
        assert "TLS handshake" not in server.lines_with("Invalid HTTP request")[-1]
    finally:
        server.stop()


@pytest.mark.parametrize("cut", [1, 2, 10, len(HELLO)])
def test_row_50_plain_http_on_a_tls_port(start_tls: Callable[..., TlsServer], cut: int) -> None:
    server = start_tls()
    with server.plain() as client:
        client.send(HELLO[:cut])
        client.send(HELLO[cut:]) if cut < len(HELLO) else None
        response = client.response()
        assert response.status == 400
        assert response.closes
        assert response.header("date")
        client.shutdown_write()
        client.expect_eof()
        port = client.port
    (line,) = server.lines_with("Invalid HTTP request")
    assert f"from 127.0.0.1:{port}: 400 plain HTTP on a TLS port" in line
    assert server.seen() == []


def test_neither_tls_nor_http(start_tls: Callable[..., TlsServer]) -> None:
    server = start_tls()
    with server.plain() as client:
        client.send(b"\x00\x01\x02" * 20)
        client.read_to_end()
    server.await_output("TLS handshake with 127.0.0.1:[0-9]+ failed: wrong version number")


def test_failures_cannot_flood_the_log(start_tls: Callable[..., TlsServer]) -> None:
    server = start_tls()
    for _ in range(100):
        with server.plain() as client:
            client.send(b"\x16\x03\x01\xff\xff" + b"\xff" * 20)
            client.shutdown_write()
            client.read_to_end()
    assert 1 <= len(server.lines_with("TLS handshake with")) <= 30
    with server.connect() as client:
        assert server.hello(client).status == 200
    assert "Traceback" not in server.stderr()


def test_handshakes_that_stall(start_tls: Callable[..., TlsServer]) -> None:
    server = start_tls(**{"ssl-handshake-timeout-s": 0.4})
    hello = client_hello()
    with server.plain() as silent, server.plain() as begun, server.plain() as waiting:
        begun.send(hello[:20])
        waiting.send(hello)
        started_s = time.monotonic()
        for client in (silent, begun, waiting):
            client.read_to_end()
        assert 0.2 < time.monotonic() - started_s < 3
        ports = {begun.port, waiting.port}
    server.await_output("failed: not complete in time\n(.*\n)*.*failed: not complete in time")
    told = {
        int(re.findall(r"127\.0\.0\.1:(\d+)", line)[0]) for line in server.lines_with("not complete in time")
    }
    assert told == ports  # who says nothing at all is no news: load balancers ask like that


def test_clients_that_go_away_leave_nothing(start_tls: Callable[..., TlsServer]) -> None:
    server = start_tls()
    hello = client_hello()
    with server.connect() as client:
        server.hello(client)
    before_descriptors = settled(server)
    before_objects = tls_objects(server)
    for size in (0, 1, 20, len(hello)):
        for way in (Client.reset, Client.close):
            for _ in range(5):
                client = server.plain()
                client.send(hello[:size])
                way(client)
    for _ in range(5):
        TlsClient(server.port, server.context).detach().close()
        TlsClient(server.port, server.context).reset()
    server.await_output(r"TLS handshake with 127\.0\.0\.1:\d+ failed: the client went away")
    assert settled(server) <= before_descriptors
    assert tls_objects(server) <= before_objects
    assert "Traceback" not in server.stderr()
    assert "ERROR" not in server.stderr()


def settled(server: Server) -> int:
    """Descriptors, once their number does not change any more."""
    count = -1
    for _ in range(100):
        last, count = count, server.descriptors()
        if count == last:
            return count
        time.sleep(0.1)
    raise AssertionError(f"descriptors still change: {count}")


def tls_objects(server: Server) -> int:
    names = ("Handshake", "SSLProtocol", "SSLObject", "SSLProtocolTransport", "Connection")
    return sum(count for name, count in server.objects().items() if name.endswith(names))


# ---- new certificates ----


def test_new_certificates_on_change(start_tls: Callable[..., TlsServer], certificates: Certificates) -> None:
    server = start_tls(**{"ssl-reload-interval-s": 0.1})
    with server.connect() as before:
        assert isinstance(before, TlsClient)
        assert server.hello(before).status == 200
        certificates.issue("own0")
        server.await_output("TLS certificates loaded anew")
        with server.connect() as after:
            assert isinstance(after, TlsClient)
            assert server.hello(after).status == 200
            assert after.server_certificate != before.server_certificate
            pem = after.ask(b"GET /__tls HTTP/1.1\r\nHost: a\r\n\r\n").json()["server_cert"]
            assert pem == ssl.DER_cert_to_PEM_cert(after.server_certificate)
        assert server.hello(before).status == 200


def test_new_certificates_on_sighup_and_broken_ones(
    start_tls: Callable[..., TlsServer], certificates: Certificates
) -> None:
    server = start_tls(**{"ssl-reload-interval-s": 0})
    with server.connect() as before:
        assert isinstance(before, TlsClient)
        old = before.server_certificate
        key = Path(certificates.issue("own0")[1])
        whole = key.read_bytes()
        key.write_bytes(b"rubbish")
        server.process.send_signal(signal.SIGHUP)
        server.await_output("The TLS certificates in use stay, as the new ones cannot be loaded: .*own0.key")
        with server.connect() as client:
            assert isinstance(client, TlsClient)
            assert client.server_certificate == old
            assert server.hello(client).status == 200
        assert len(server.lines_with("ERROR")) == 1
        key.write_bytes(whole)
        server.process.send_signal(signal.SIGHUP)
        server.await_output("TLS certificates loaded anew")
        with server.connect() as client:
            assert isinstance(client, TlsClient)
            assert client.server_certificate != old
        assert server.hello(before).status == 200


def test_a_broken_pair_is_told_once(start_tls: Callable[..., TlsServer], certificates: Certificates) -> None:
    server = start_tls(**{"ssl-reload-interval-s": 0.05})
    Path(certificates.directory, "own0.pem").write_bytes(b"rubbish")
    server.await_output("cannot be loaded")
    with server.connect() as client:
        for _ in range(20):
            assert server.hello(client).status == 200
            time.sleep(0.02)
    assert len(server.lines_with("cannot be loaded")) == 1


# ---- the end ----


def test_shutdown_does_not_wait_for_handshakes_or_idle_clients(start_tls: Callable[..., TlsServer]) -> None:
    server = start_tls(**{"linger-timeout-s": 0.3})
    with server.connect() as idle, server.plain() as silent, server.plain() as begun:
        server.hello(idle)
        begun.send(client_hello()[:20])
        server.await_output("/hello")
        started_s = time.monotonic()
        server.terminate()
        assert server.wait() == -15
        assert time.monotonic() - started_s < 3
        assert silent.read_to_end() == begun.read_to_end() == b""
    assert "Traceback" not in server.stderr()
