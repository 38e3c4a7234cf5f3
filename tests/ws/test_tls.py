"""What is different about a WebSocket under TLS (wss), and what is not?"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import ssl
from collections.abc import Callable

import pytest
from server.process import Process
from wire.tls import Certificates

from .client import BINARY, CLOSE, TEXT, WebSocket, close, frame, request
from .conftest import Serve

PEM_BEGIN = "-----BEGIN CERTIFICATE-----"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def context(certificates: Certificates) -> ssl.SSLContext:
    return certificates.client_context()


@pytest.fixture(scope="module")
def words(certificates: Certificates) -> tuple[str, ...]:
    """On the command line of a server under TLS."""
    cert, key = certificates.issue()
    return ("--ssl-certfile", cert, "--ssl-keyfile", key)


@pytest.fixture(params=["uvloop", "asyncio"])
def server(serve: Serve, words: tuple[str, ...], request: pytest.FixtureRequest) -> Process:
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    return serve(*words, "--loop", request.param)


def test_the_scope(server: Process, context: ssl.SSLContext) -> None:
    with WebSocket(server.port, "/scope", context=context) as ws:
        scope = json.loads(ws.recv().payload)
        assert scope["scheme"] == "wss"
        assert scope["extensions"]["websocket.http.response"] == {}
        told = scope["extensions"]["tls"]
        assert told["server_cert"].startswith(PEM_BEGIN)
        assert told["tls_version"] == 0x0304
        assert told["cipher_suite"] in (0x1301, 0x1302, 0x1303)
        assert (told["client_cert_chain"], told["client_cert_name"]) == ([], None)
        ws.finish()


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_large_messages_both_ways(server: Process, context: ssl.SSLContext, seed: int, opcode: int) -> None:
    """Many records long, and with others behind them in the last record."""
    large = random.Random(seed).randbytes(1_500_000)
    if opcode == TEXT:
        large = large.hex().encode()
    with WebSocket(server.port, context=context) as ws:
        ws.send(frame(opcode, large) + frame(TEXT, b"one") + frame(TEXT, b"two"))
        received = [ws.recv() for _ in range(3)]
        assert [got.opcode for got in received] == [opcode, TEXT, TEXT]
        assert [got.payload for got in received] == [large, b"one", b"two"]
        ws.finish()


def test_our_close(server: Process, context: ssl.SSLContext) -> None:
    """What was sent arrives before it, and the TLS session ends in order (RFC 8446, 6.1)."""
    with WebSocket(server.port, "/closes?bytes=2000000&code=4321&reason=done", context=context) as ws:
        received = 0
        while (got := ws.recv()).opcode == BINARY:
            received += len(got.payload)
        assert (received, got.opcode, got.code, got.reason) == (2_000_000, CLOSE, 4321, "done")
        ws.send(close(3333, b"tls"))
        ws.ended()
    server.wait_for("closed: {'type': 'websocket.disconnect', 'code': 3333, 'reason': 'tls'}")


def test_the_clients_close(server: Process, context: ssl.SSLContext) -> None:
    before = server.output.count("disconnect 4000 'over'")
    with WebSocket(server.port, context=context) as ws:
        ws.send(frame(TEXT, b"last words") + close(4000, b"over"))
        assert ws.recv().payload == b"last words"
        last = ws.closed()
        assert (last.code, last.reason) == (4000, "")
    server.wait_for("disconnect 4000 'over'", before + 1)


def test_a_session_that_ends_without_a_close(server: Process, context: ssl.SSLContext) -> None:
    before = server.output.count("disconnect 1006 ''")
    with WebSocket(server.port, context=context) as ws:
        ws.text("a")
        assert ws.recv().payload == b"a"
        assert isinstance(ws.sock, ssl.SSLSocket)
        ws.sock.unwrap().close()
    server.wait_for("disconnect 1006 ''", before + 1)


def test_messages_before_the_end_of_a_session_are_received(
    serve: Serve, words: tuple[str, ...], context: ssl.SSLContext
) -> None:
    """More of them than the application has room for, and the end of TLS directly behind."""
    server = serve(*words, "--ws-max-queue", "2")
    waiting = server.output.count("waiting")
    ended = server.output.count("disconnect after 50: 4003")
    with WebSocket(server.port, "/waits", context=context) as ws:
        server.wait_for("waiting", waiting + 1)
        assert isinstance(ws.sock, ssl.SSLSocket)
        ws.send(frame(TEXT, b"x" * 100) * 50 + close(4003))
        with contextlib.suppress(OSError):  # it may have something to say
            ws.sock.unwrap()
    with WebSocket(server.port, "/go", {"Upgrade": None}, context=context) as go:
        assert go.status == 200
    server.wait_for("disconnect after 50: 4003", ended + 1)


def test_a_fault_of_a_client_that_sends_on(server: Process, context: ssl.SSLContext) -> None:
    with WebSocket(server.port, context=context) as ws:
        ws.send(frame(3) + bytes(300_000))
        assert ws.closed().code == 1002


def test_a_refusal(server: Process, context: ssl.SSLContext) -> None:
    with WebSocket(server.port, "/refuse", context=context) as ws:
        assert ws.status == 403
        ws.send(request("/"))
        assert ws.read_head()[0] == 101
        ws.finish()


def test_a_shutdown(own: Callable[..., Process], words: tuple[str, ...], context: ssl.SSLContext) -> None:
    server = own(*words)
    with WebSocket(server.port, context=context) as ws:
        server.popen.terminate()
        assert ws.recv().code == 1012
        ws.send(close(1012))
        ws.ended()
        assert server.end() == -signal.SIGTERM
    assert "disconnect 1012 ''" in server.output
