"""deploy/nginx.conf and deploy/haproxy.cfg: the real ones take them, and pass on what they should."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fastserve.testing import Served, serve

from .client import CLIENT, app, ask
from .proxy import HAPROXY, haproxy, needs_haproxy, needs_nginx, nginx

DEPLOY = Path(__file__).parents[2] / "deploy"
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.5 is an address of Linux's loopback only"),
    pytest.mark.skipif(not DEPLOY.is_dir(), reason="the files are not here"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.sock"


@pytest.fixture
def behind_nginx(path: Path, tmp_path: Path) -> Iterator[int]:
    """The port of nginx, as its file says fastserve is to be started."""
    with (
        serve(app, uds=str(path), uds_mode="660", forwarded_allow_ips="unix:"),
        nginx(tmp_path, (DEPLOY / "nginx.conf").read_text(), ("/run/shop/app.sock", str(path))) as port,
    ):
        yield port


@needs_nginx
def test_nginx(behind_nginx: int) -> None:
    seen = ask(behind_nginx, times=3)
    assert (seen["client"], seen["url"]) == (CLIENT, "http://site/where")


@needs_nginx
def test_a_websocket_through_nginx(behind_nginx: int) -> None:
    """The upgrade gets through: the application, which has no WebSockets, is asked, and refuses."""
    with socket.create_connection(("127.0.0.1", behind_nginx), 20) as sock:
        sock.sendall(
            b"GET /where HTTP/1.1\r\nHost: site\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert sock.recv(65536).startswith(b"HTTP/1.1 403 ")


@needs_haproxy
def test_haproxy_takes_the_file_as_it_is() -> None:
    assert HAPROXY is not None
    judged = subprocess.run(
        [HAPROXY, "-c", "-f", str(DEPLOY / "haproxy.cfg")], capture_output=True, text=True, timeout=60
    )
    assert judged.returncode == 0, judged.stderr
    assert "WARNING" not in judged.stdout + judged.stderr


def shared(servers: list[Served]) -> list[tuple[str, str]]:
    """The file's addresses, and the test's; health is asked where `--health-path` answers."""
    return [
        ("    maxconn 100000\n", "    maxconn 100\n"),
        ("inter 2s", "inter 20ms"),
        *(
            (f"10.0.0.1{number}:8000 check port 9000", f"127.0.0.1:{server.port} check port {server.port}")
            for number, server in enumerate(servers, 1)
        ),
    ]


@needs_haproxy
def test_haproxy_before_two_servers(tmp_path: Path) -> None:
    """One that is not ready gets no more requests; none is lost."""
    options = {"health_path": "/livez,/readyz", "forwarded_allow_ips": "127.0.0.1", "shutdown_delay_s": 0.5}
    with serve(app, **options) as first, serve(app, **options) as second, ThreadPoolExecutor() as pool:
        configuration = (DEPLOY / "haproxy.cfg").read_text()
        with haproxy(tmp_path, configuration, *shared([first, second])) as port:
            seen = ask(port, times=4)
            assert (seen["client"], seen["url"]) == (CLIENT, "http://site/where")
            ended = pool.submit(first.stop)
            while not ended.done():
                assert ask(port)["client"] == CLIENT
            ended.result()
            assert ask(port, times=3)["client"] == CLIENT
