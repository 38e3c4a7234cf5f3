"""Behind HAProxy, as docs/proxies.md configures it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastserve.testing import serve

from .client import CLIENT, app, ask
from .page import configurations
from .proxy import haproxy, needs_haproxy

pytestmark = [
    needs_haproxy,
    pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.5 is an address of Linux's loopback only"),
]

TCP, UNIX = configurations("haproxy")
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
