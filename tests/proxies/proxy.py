"""How is a proxy started with a configuration of the page?"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .page import replaced

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
#: A free port may be taken by somebody else before the proxy binds it.
ATTEMPTS = 3

_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
NGINX = shutil.which("nginx", path=_PATH)
HAPROXY = shutil.which("haproxy", path=_PATH)
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")

_NGINX = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
{configuration}
}}
"""

_HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
{configuration}
"""


@contextlib.contextmanager
def nginx(directory: Path, configuration: str, *pairs: tuple[str, str]) -> Iterator[int]:
    """nginx with servers of this configuration, `pairs` replaced; yields the port."""
    assert NGINX is not None

    def command(port: int) -> list[str]:
        path = directory / "nginx.conf"
        servers = replaced(configuration, ("listen 80;", f"listen 127.0.0.1:{port};"), *pairs)
        path.write_text(_NGINX.format(directory=directory, configuration=servers))
        return [NGINX, "-p", str(directory), "-c", str(path), "-e", "stderr"]

    with _running(directory / "nginx.txt", command) as port:
        yield port


@contextlib.contextmanager
def haproxy(directory: Path, configuration: str, *pairs: tuple[str, str]) -> Iterator[int]:
    """HAProxy with this configuration, `pairs` replaced; yields the port."""
    assert HAPROXY is not None

    def command(port: int) -> list[str]:
        path = directory / "haproxy.cfg"
        sections = re.sub(r"\bbind :\d+", f"bind 127.0.0.1:{port}", replaced(configuration, *pairs))
        path.write_text(_HAPROXY.format(configuration=sections))
        return [HAPROXY, "-db", "-f", str(path)]

    with _running(directory / "haproxy.txt", command) as port:
        yield port


@contextlib.contextmanager
def _running(output_path: Path, command: Callable[[int], list[str]]) -> Iterator[int]:
    for attempt in range(ATTEMPTS):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        with output_path.open("wb") as output:
            process = subprocess.Popen(
                command(port), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            if _listens(process, port):
                yield port
                return
        finally:
            _end(process)
        assert attempt + 1 < ATTEMPTS, output_path.read_text()


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the process listens; False if it ends before."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline_s:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 5):
            return process.poll() is None
        time.sleep(0.01)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
