"""What does the application hear of its client's TLS session? (ASGI's TLS extension)"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .servers import Server
from .tls import Certificates, TlsClient, TlsServer, refused

EXTENSION = {
    "server_cert",
    "client_cert_chain",
    "client_cert_name",
    "client_cert_error",
    "tls_version",
    "cipher_suite",
}


def extension(server: TlsServer, context: ssl.SSLContext) -> Any:
    with TlsClient(server.port, context) as client:
        return client.ask(b"GET /__tls HTTP/1.1\r\nHost: a\r\n\r\n").json()


def test_extension_without_a_client_certificate(tls: TlsServer) -> None:
    context = tls.certificates.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256")
    found = extension(tls, context)
    assert set(found) == EXTENSION
    assert found["tls_version"] == 0x0303
    assert found["cipher_suite"] in (0xC02B, 0xC02F)
    assert found["client_cert_chain"] == []
    assert found["client_cert_name"] is None
    assert found["client_cert_error"] is None
    with TlsClient(tls.port, tls.context) as client:
        assert found["server_cert"] == ssl.DER_cert_to_PEM_cert(client.server_certificate)


def test_no_extension_without_tls(server: Server) -> None:
    assert server.control("tls").json() is None


def test_required_client_certificate(start_tls: Callable[..., TlsServer], certificates: Certificates) -> None:
    pair = certificates.issue("client", "client.example")
    with_certificate = certificates.client_context(pair)
    server = start_tls(**{"ssl-cert-reqs": 2, "ssl-ca-certs": certificates.ca_file})
    found = extension(server, with_certificate)
    assert found["tls_version"] == 0x0304
    assert found["cipher_suite"] in (0x1301, 0x1302, 0x1303)
    assert found["client_cert_chain"][0] == Path(pair[0]).read_text()
    assert found["client_cert_name"].startswith("OU=Testing cert")
    assert "O=trustme" in found["client_cert_name"]
    refused(server, certificates.client_context())
    stranger = Certificates(Path(certificates.directory))
    stranger_pair = stranger.issue("stranger", "stranger.example")
    certificates.authority.cert_pem.write_to_path(certificates.ca_file)
    refused(server, certificates.client_context(stranger_pair))
    server.await_output("failed: client certificate: ")
    (missing,) = server.lines_with("peer did not return a certificate")
    assert re.search(r"TLS handshake with 127\.0\.0\.1:\d+ failed: ", missing)
    assert "Traceback" not in server.stderr()


def test_optional_client_certificate(start_tls: Callable[..., TlsServer], certificates: Certificates) -> None:
    server = start_tls(**{"ssl-cert-reqs": 1, "ssl-ca-certs": certificates.ca_file})
    assert extension(server, certificates.client_context())["client_cert_chain"] == []
    pair = certificates.issue("client", "client.example")
    assert len(extension(server, certificates.client_context(pair))["client_cert_chain"]) >= 1


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_resumed_session_still_has_its_clients_certificate(
    start_tls: Callable[..., TlsServer], certificates: Certificates, version: ssl.TLSVersion
) -> None:
    pair = certificates.issue("client", "client.example", by_another=True)
    context = certificates.client_context(pair)
    context.minimum_version = context.maximum_version = version
    server = start_tls(**{"ssl-cert-reqs": 2, "ssl-ca-certs": certificates.ca_file})
    own = Path(pair[0]).read_text().split("-----END")[0]
    session, names = None, set()
    for resumed in (False, True, True):
        with TlsClient(server.port, context, session) as client:
            found = client.ask(b"GET /__tls HTTP/1.1\r\nHost: a\r\n\r\n").json()
            session = client.socket.session
            assert client.socket.session_reused is resumed
        assert found["client_cert_chain"][0].startswith(own)
        names.add(found["client_cert_name"])
    (name,) = names
    assert name.startswith("OU=Testing cert")


@pytest.mark.skipif(not hasattr(ssl.SSLSocket, "get_unverified_chain"), reason="needs CPython 3.13")
def test_the_chain_is_what_the_client_sent(
    start_tls: Callable[..., TlsServer], certificates: Certificates
) -> None:
    pair = certificates.issue("client", "client.example", by_another=True)
    server = start_tls(**{"ssl-cert-reqs": 1, "ssl-ca-certs": certificates.ca_file})
    found = extension(server, certificates.client_context(pair))
    assert "".join(found["client_cert_chain"]) == Path(pair[0]).read_text()


def test_a_proxy_may_tell_the_scheme_and_not_the_session(start_tls: Callable[..., TlsServer]) -> None:
    """Between a trusted proxy and the server there is TLS too: what the client spoke the proxy tells."""
    server = start_tls(**{"forwarded-allow-ips": "127.0.0.1"})
    head = "GET /hello HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: {}\r\n\r\n"
    with server.connect() as client:
        for scheme in ("http", "https"):
            assert client.ask(head.format(scheme).encode()).status == 200
        tls = client.ask(head.format("http").replace("/hello", "/__tls").encode()).json()
    assert [(seen.scheme, seen.client) for seen in server.seen()] == [
        ("http", "192.0.2.7"),
        ("https", "192.0.2.7"),
    ]
    assert tls["tls_version"] == 0x0304


def test_what_strangers_tell_of_the_scheme_is_ignored(start_tls: Callable[..., TlsServer]) -> None:
    server = start_tls(**{"forwarded-allow-ips": "192.0.2.1"})
    with server.connect() as client:
        assert client.ask(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: http\r\n\r\n").status == 200
    (seen,) = server.seen()
    assert (seen.scheme, seen.client) == ("https", "127.0.0.1")
