"""fastserve/systemd.py: which sockets are this process's, and where the words go."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from fastserve.systemd import Notifier, listening


@pytest.mark.parametrize(("count", "is_ours"), [("1", False), ("", True), ("many", True), ("-1", True)])
def test_what_is_not_for_this_process(monkeypatch: pytest.MonkeyPatch, count: str, is_ours: bool) -> None:
    monkeypatch.setenv("LISTEN_FDS", count)
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()) if is_ours else "0")
    assert listening() == []
    assert "LISTEN_FDS" not in os.environ  # nor is it for a process that is started here


@pytest.mark.skipif(sys.platform != "linux", reason="names without a file are Linux's")
def test_a_name_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"fastserve-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name)
        sock.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        notifier = Notifier()
        assert notifier.environment() == {"NOTIFY_SOCKET": "@" + name}
        notifier.ready("Serving")
        assert sock.recv(4096) == b"READY=1\nSTATUS=Serving"


@pytest.mark.parametrize("name", ["/nowhere/at/all", "relative", "@nobody", "/" + "x" * 200, "vsock:2:1234"])
def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """That is no reason not to serve."""
    monkeypatch.setenv("NOTIFY_SOCKET", name)
    Notifier().ready("Serving")
