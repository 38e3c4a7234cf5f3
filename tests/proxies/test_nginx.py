"""Behind nginx, as docs/proxies.md configures it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastserve.testing import Served, serve

from .client import CLIENT, app, ask
from .page import configurations
from .proxy import haproxy, needs_haproxy, needs_nginx, nginx

pytestmark = [
    needs_nginx,
    pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.5 is an address of Linux's loopback only"),
]

TCP, UNIX, FORWARDED, STRIPPED, KEPT = configurations("nginx")


def to(server: Served) -> tuple[str, str]:
    return "127.0.0.1:8000", f"127.0.0.1:{server.port}"


def test_the_client_is_who_connected_to_nginx(tmp_path: Path) -> None:
    with serve(app) as server, nginx(tmp_path, TCP, to(server)) as port:
        assert ask(port, times=3) == {
            "client": CLIENT,
            "url": "http://site/where",
            "link": "http://site/where",
            "path": "/where",
            "root_path": "",
        }


def test_nginx_that_is_not_trusted_is_the_client(tmp_path: Path) -> None:
    with (
        serve(app, forwarded_allow_ips="192.0.2.1") as server,
        nginx(tmp_path, TCP, to(server)) as port,
    ):
        assert ask(port)["client"] == "127.0.0.1"


def test_through_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    with (
        serve(app, uds=str(path), forwarded_allow_ips="unix:", uds_mode="600"),
        nginx(tmp_path, UNIX, ("/run/app/app.sock", str(path))) as port,
    ):
        assert ask(port, times=3)["client"] == CLIENT


def test_forwarded(tmp_path: Path) -> None:
    with (
        serve(app, forwarded_headers="forwarded") as server,
        nginx(tmp_path, FORWARDED, to(server)) as port,
    ):
        seen = ask(port, times=3)
        assert (seen["client"], seen["url"]) == (CLIENT, "http://site/where")


PREFIXED = {
    "client": CLIENT,
    "url": "http://site/api/where",
    "link": "http://site/api/where",
    "path": "/api/where",
    "root_path": "/api",
}


def test_a_prefix_that_nginx_strips(tmp_path: Path) -> None:
    with (
        serve(app, root_path="/api") as server,
        nginx(tmp_path, STRIPPED, to(server)) as port,
    ):
        assert ask(port, "/api/where") == PREFIXED


def test_a_prefix_that_nginx_passes_on(tmp_path: Path) -> None:
    with (
        serve(app, root_path="/api", root_path_stripped=False) as server,
        nginx(tmp_path, KEPT, to(server)) as port,
    ):
        assert ask(port, "/api/where") == PREFIXED


@needs_haproxy
def test_haproxy_before_nginx(tmp_path: Path) -> None:
    """Two hops: HAProxy adds a line of its own, nginx makes one list of all."""
    first = configurations("haproxy")[0]
    with (
        serve(app) as server,
        nginx(tmp_path, TCP, to(server)) as inner,
        haproxy(tmp_path, first, ("127.0.0.1:8000", f"127.0.0.1:{inner}")) as outer,
    ):
        assert ask(outer, times=3)["client"] == CLIENT
