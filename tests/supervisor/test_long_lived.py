"""What has no end of its own, WebSockets and streams of events, when workers end: both sides hear of it."""

from __future__ import annotations

import contextlib
import signal
import socket
from pathlib import Path

import pytest
from server.process import rest
from ws.client import WebSocket, close

from .processes import Supervised, supervised, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")

#: Nobody is ended here because the machine is busy with other things.
PATIENT = ("--timeout-keep-alive", "1", "--ws-close-timeout-s", "900", "--timeout-worker-healthcheck", "60")
TWO = ("--workers", "2", *PATIENT)


@pytest.mark.parametrize(
    ("how", "words"),
    [("end", TWO), ("restart", TWO), ("recycle", ("--limit-max-requests", "2", "--supervise", *PATIENT))],
)
def test_websockets(tmp_path: Path, how: str, words: tuple[str, ...]) -> None:
    """Clients get the code that asks them to come again, in a close of both sides; applications hear it."""
    deadline = ("--timeout-graceful-shutdown", "900")
    with supervised(tmp_path, *words, *deadline) as server, contextlib.ExitStack() as stack:
        before = set(server.serving(2 if words is TWO else 1))
        port = server.process.port
        sockets = [stack.enter_context(WebSocket(port)) for _ in range(4)]
        if how == "recycle":
            for _ in range(2):
                server.answers()
        else:
            server.send(signal.SIGTERM if how == "end" else signal.SIGHUP)
        if how != "end":
            server.wait_for("startup complete", 2 * len(before))  # only then the last of them leaves
        for ws in sockets:
            assert ws.recv().code == 1012
            ws.send(close(1012))
            ws.ended()
        if how == "end":
            assert server.process.end() == 0
        else:
            until(lambda: not before & set(server.children))
            with WebSocket(port) as ws:
                ws.finish()
            assert server.ends() == 0
        assert server.output.count("disconnect 1012") == 4
        assert "Cancel" not in server.output


def opened(server: Supervised, path: str) -> socket.socket:
    sock = server.process.connect()
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    data = b""
    while b"data: 1\n\n" not in data:
        data += sock.recv(65536)
    return sock


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_streams_of_events(tmp_path: Path, number: signal.Signals) -> None:
    """They are cancelled at the deadline. Who ends one in order then has it ended so; the other does not look
    whole."""
    with supervised(tmp_path, *TWO, "--timeout-graceful-shutdown", "0.3") as server:
        before = set(server.serving(2))
        with opened(server, "/events") as cut, opened(server, "/farewell") as ended:
            server.send(number)
            assert rest(cut) == b""
            assert rest(ended) == b"10\r\ndata: farewell\n\n\r\n0\r\n\r\n"
        if number == signal.SIGTERM:
            assert server.process.end() == 0
        else:
            until(lambda: not before & set(server.children))
            assert server.ends() == 0
        assert server.output.count("stream cancelled") == 2
        assert "killed" not in server.output
