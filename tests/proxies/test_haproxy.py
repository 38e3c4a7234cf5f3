"""Behind HAProxy, as docs/proxies.md configures it."""

from __future__ import annotations

import json
import ssl
import sys
import urllib.request
from pathlib import Path

import pytest
import trustme

from fastserve.testing import serve

from .client import CLIENT, app, ask
from .page import configurations
from .proxy import haproxy, needs_haproxy

pytestmark = [
    needs_haproxy,
    pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.5 is an address of Linux's loopback only"),
]

TCP, UNIX, INTRODUCED, INTRODUCED_TLS = configurations("haproxy")
ALL = "x-forwarded-for,x-forwarded-proto,x-forwarded-host,x-forwarded-port"


def test_client_scheme_host_and_port(tmp_path: Path) -> None:
    """HAProxy adds its X-Forwarded-For behind the client's, in a line of its own."""
    with (
        serve(app, forwarded_headers=ALL) as server,
        haproxy(tmp_path, TCP, ("127.0.0.1:8000", f"127.0.0.1:{server.port}")) as port,
    ):
        seen = ask(port, times=3)
        assert (seen["client"], seen["url"]) == (CLIENT, f"http://site:{port}/where")


def test_a_tls_connection_is_told_by_its_scheme(tmp_path: Path) -> None:
    """As HAProxy tells it where the client speaks TLS."""
    of_tls = ("%[ssl_fc,iif(https,http)]", "https")
    with (
        serve(app) as server,
        haproxy(tmp_path, TCP, of_tls, ("127.0.0.1:8000", f"127.0.0.1:{server.port}")) as port,
    ):
        assert ask(port)["link"] == "https://site/where"


def test_haproxy_that_is_not_trusted_is_the_client(tmp_path: Path) -> None:
    with (
        serve(app, forwarded_allow_ips="", forwarded_headers=ALL) as server,
        haproxy(tmp_path, TCP, ("127.0.0.1:8000", f"127.0.0.1:{server.port}")) as port,
    ):
        seen = ask(port)
        assert (seen["client"], seen["url"]) == ("127.0.0.1", "http://site/where")


def test_through_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with (
        serve(app, uds=str(path), forwarded_allow_ips=f"unix:{path}"),
        haproxy(tmp_path, UNIX, ("/run/app/app.sock", str(path))) as port,
    ):
        assert ask(port, times=3)["client"] == CLIENT


@pytest.mark.parametrize(
    "word", ["send-proxy-v2 proxy-v2-options crc32c", "send-proxy"], ids=["version 2", "version 1"]
)
def test_a_client_that_haproxy_introduces(tmp_path: Path, word: str) -> None:
    """It reads nothing of what it passes on. Its checks, before requests and meanwhile, are no clients."""
    with (
        serve(app, proxy_protocol=True) as server,
        haproxy(
            tmp_path,
            INTRODUCED,
            ("send-proxy-v2 check", f"{word} check inter 20ms"),
            ("127.0.0.1:8000", f"127.0.0.1:{server.port}"),
        ) as port,
    ):
        for _ in range(3):
            seen = ask(port, times=2)
            assert (seen["client"], seen["url"]) == (CLIENT, "http://site/where")


def test_an_introduction_through_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with (
        serve(app, uds=str(path), proxy_protocol=True, proxy_allow_ips="unix:"),
        haproxy(tmp_path, INTRODUCED, ("127.0.0.1:8000", f"unix@{path}")) as port,
    ):
        assert ask(port)["client"] == CLIENT


def test_haproxy_that_may_not_introduce(tmp_path: Path) -> None:
    with (
        serve(app, proxy_protocol=True, proxy_allow_ips="192.0.2.1") as server,
        haproxy(tmp_path, INTRODUCED, ("127.0.0.1:8000", f"127.0.0.1:{server.port}")) as port,
        pytest.raises(OSError),  # noqa: PT011 - the connection ends, one way or the other
    ):
        ask(port)


def test_haproxy_tells_of_tls_that_ended_there(tmp_path: Path) -> None:
    authority, pem = trustme.CA(), tmp_path / "site.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with (
        serve(app, proxy_protocol=True) as server,
        haproxy(
            tmp_path,
            INTRODUCED_TLS,
            ("/etc/haproxy/site.pem", str(pem)),
            ("127.0.0.1:8000", f"127.0.0.1:{server.port}"),
        ) as port,
        urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        ).open(f"https://127.0.0.1:{port}/where", timeout=20) as answer,
    ):
        seen = json.load(answer)
    assert (seen["client"], seen["url"]) == ("127.0.0.1", f"https://127.0.0.1:{port}/where")
