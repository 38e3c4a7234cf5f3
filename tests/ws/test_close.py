"""How does a WebSocket end? (RFC 6455, 7)"""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import struct
import time
from collections.abc import Callable

import pytest
from server.process import Process

from .client import BINARY, CLOSE, PING, PONG, TEXT, WebSocket, close, frame
from .conftest import Serve


@pytest.mark.parametrize("size", [0, 9_000, 100_000, 5_000_000])
def test_49_all_that_was_sent_arrives_before_the_close(serve: Serve, size: int) -> None:
    """The client answers the Close 20 ms later: all data, the code, no reset."""
    server = serve("--ws-close-timeout-s", "100")  # this client may be slow, and that is not the question
    before = server.output.count("closed: {'type': 'websocket.disconnect', 'code': 3333, 'reason': 'later'}")
    with WebSocket(server.port, f"/closes?bytes={size}&code=4321&reason=done") as ws:
        received = 0
        while (got := ws.recv()).opcode == BINARY:
            received += len(got.payload)
        assert received == size
        assert (got.opcode, got.code, got.reason) == (CLOSE, 4321, "done")
        time.sleep(0.02)
        ws.send(close(3333, b"later"))
        ws.ended()
    server.wait_for("closed: {'type': 'websocket.disconnect', 'code': 3333, 'reason': 'later'}", before + 1)


def test_a_client_that_sends_on_behind_our_close(port: int) -> None:
    """What it sends is dropped until its own Close."""
    with WebSocket(port, "/closes") as ws:
        assert ws.recv().code == 1000
        ws.send(frame(TEXT, b"x" * 100_000) + frame(PING, b"x") + frame(TEXT, b"y", fin=False) + close(1000))
        ws.ended()


def test_a_client_that_never_answers_our_close(serve: Serve) -> None:
    server = serve("--ws-close-timeout-s", "0.3")
    with WebSocket(server.port, "/closes") as ws:
        assert ws.recv().code == 1000
        before_s = time.monotonic()
        ws.ended()
        assert 0.2 < time.monotonic() - before_s < 3
    server.wait_for("closed: {'type': 'websocket.disconnect', 'code': 1006, 'reason': ''}")


def test_a_client_that_sends_on_and_never_answers_our_close(serve: Serve) -> None:
    """It hears the end in order: no reset takes away what it has not read."""
    server = serve("--ws-close-timeout-s", "0.3")
    with WebSocket(server.port, "/closes?bytes=9000") as ws:
        until_s = time.monotonic() + 0.6
        while time.monotonic() < until_s:
            ws.send(frame(BINARY, bytes(1000)))
        assert ws.recv().payload == b"x" * 9000
        assert ws.recv().code == 1000
        ws.ended()


def test_a_slow_client_has_the_time_to_take_what_was_sent(serve: Serve) -> None:
    """The deadline of the Close begins when the client has taken what is before it."""
    server = serve("--ws-close-timeout-s", "0.3")
    with WebSocket(server.port, "/closes?bytes=3000000", receive_buffer_bytes=65536) as ws:
        received = 0
        while (got := ws.recv()).opcode == BINARY:
            received += len(got.payload)
            if received % 90_000 == 0:
                time.sleep(0.02)
        assert received == 3_000_000
        ws.send(close())
        ws.ended()


def test_an_application_that_returns(port: int) -> None:
    with WebSocket(port, "/returns") as ws:
        assert ws.recv().code == 1000
        ws.send(close())
        ws.ended()


def test_an_application_that_raises(server: Process) -> None:
    with WebSocket(server.port, "/raises") as ws:
        assert ws.recv().code == 1011
        ws.send(close(1011))
        ws.ended()
    server.wait_for("Exception in ASGI application (GET /raises)")


def test_what_may_not_be_sent(server: Process) -> None:
    with WebSocket(server.port, "/misuses") as ws:
        assert ws.recv().code == 1000
        ws.send(close())
        ws.ended()
    for line in (
        "RuntimeError: Expected ASGI message 'websocket.accept', 'websocket.close', "
        "or 'websocket.http.response.start' but got 'websocket.send'.",
        "RuntimeError: Expected ASGI message 'websocket.send' or 'websocket.close', "
        "but got 'websocket.accept'.",
        "TypeError: a message must be str or bytes, not int",
        "ValueError: 1006 is no close code that may be sent",
        "RuntimeError: Unexpected ASGI message 'websocket.send', after sending 'websocket.close' "
        "or response already completed.",
    ):
        server.wait_for(line)


def test_a_reason_that_does_not_fit_is_cut(port: int) -> None:
    reason = "%C3%A9" * 100  # of two bytes each
    with WebSocket(port, f"/closes?reason={reason}") as ws:
        assert ws.recv().reason == "é" * 61
        ws.send(close())
        ws.ended()


def test_sending_to_a_client_that_has_closed(server: Process) -> None:
    """An OSError, as of HTTP; and the end that the client told."""
    before = server.output.count("ClientDisconnected is an OSError")
    with WebSocket(server.port, "/sends-on?paced=1") as ws:
        ws.recv()
        ws.send(close(1001, b"leaving"))
        while ws.recv().opcode != CLOSE:
            pass
        ws.ended()
    server.wait_for("ClientDisconnected is an OSError", before + 1)
    server.wait_for("then {'type': 'websocket.disconnect', 'code': 1001, 'reason': 'leaving'}")


@pytest.mark.parametrize("how", ["end", "half", "reset"])
def test_a_client_that_goes_without_a_word(server: Process, how: str) -> None:
    before = server.output.count("disconnect 1006 ''")
    ws = WebSocket(server.port)
    ws.send(frame(TEXT, b"cut")[:-1])
    if how == "half":
        ws.sock.shutdown(socket.SHUT_WR)
        ws.ended()
    elif how == "reset":
        ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ws.sock.close()
    server.wait_for("disconnect 1006 ''", before + 1)


def test_a_client_that_sends_on_behind_its_fault(port: int) -> None:
    """The Close arrives though the client was sending: no reset takes it away."""
    with WebSocket(port) as ws:
        ws.send(frame(3) + bytes(300_000))
        ws.send(bytes(300_000))
        time.sleep(0.05)
        assert ws.closed().code == 1002


def test_a_close_does_not_wait_long_for_an_application_that_is_busy(server: Process) -> None:
    before = server.output.count("staying")
    with WebSocket(server.port, "/stays") as ws:
        server.wait_for("staying", before + 1)
        ws.send(frame(TEXT, b"never received") + close(4000))
        before_s = time.monotonic()
        assert ws.closed().code == 4000
        assert 0.5 < time.monotonic() - before_s < 5


def test_a_close_that_waits_meets_the_end_of_the_connection(server: Process) -> None:
    before = server.output.count("waiting")
    with WebSocket(server.port, "/waits") as ws:
        server.wait_for("waiting", before + 1)
        ws.send(frame(TEXT, b"a") + close(4001))
    server.get("/go")
    server.wait_for("disconnect after 1: 4001")


@pytest.mark.parametrize("reset", [False, True])
def test_messages_before_a_lost_connection_are_received(serve: Serve, reset: bool) -> None:
    """All that was read of them, though the application takes its time, and nobody hears its answer."""
    server = serve("--ws-max-queue", "2")
    waiting = server.output.count("waiting")
    ended = server.output.count("disconnect after 50: 4003")
    with WebSocket(server.port, "/waits") as ws:
        server.wait_for("waiting", waiting + 1)
        ws.send(frame(TEXT, b"last") + frame(TEXT, b"x") * 49 + close(4003))
        with WebSocket(server.port) as other:  # once it is answered, what was sent before it was read
            other.finish()
        if reset:
            ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.get("/go")
    server.wait_for("disconnect after 50: 4003", ended + 1)


def test_nothing_is_sent_to_a_client_that_is_gone(serve: Serve) -> None:
    """While messages of it are still there: sending raises, and does not pile up."""
    server = serve("--ws-max-queue", "2")
    before = server.output.count("ClientDisconnected is an OSError")
    with WebSocket(server.port, "/sends-on?paced=1") as ws:
        ws.send(frame(TEXT, b"x") * 50)
        with WebSocket(server.port) as other:
            other.finish()
        ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.wait_for("ClientDisconnected is an OSError", before + 1)
    server.wait_for("then {'type': 'websocket.receive', 'text': 'x'}")


def test_a_close_that_waits_meets_a_close_of_the_applications(server: Process) -> None:
    with WebSocket(server.port, "/closes-late") as ws:
        ws.send(frame(TEXT, b"a") + close(4002))
        assert ws.recv().payload == b"a"
        assert ws.closed().code == 4002
    server.wait_for("closed late: {'type': 'websocket.disconnect', 'code': 4002, 'reason': ''}")


# ---- the access log, in a format of its own ----


def test_its_line_comes_at_the_end(serve: Serve) -> None:
    """With the code, the time from the request to the end, and the bytes of the frames."""
    server = serve("--access-log-format", "<%(s)s %(close_code)s %(B)s %(received)s %(L)s %(U)s>")
    with WebSocket(server.port, "/") as ws:
        ws.text("hello")
        ws.recv()
        assert "<" not in server.output
        ws.finish(4000)
    with WebSocket(server.port, "/closes?code=4001") as ws:
        ws.recv()
    with WebSocket(server.port, "/refuse") as ws:
        assert ws.status == 403
    server.wait_for(" /closes>")
    server.wait_for(" /refuse>")
    assert re.search(r"^<101 4000 11 19 0\.\d{6} />$", server.output, re.M)
    assert re.search(r"^<101 1006 4 0 0\.\d{6} /closes>$", server.output, re.M)
    assert re.search(r"^<403 - 0 0 0\.\d{6} /refuse>$", server.output, re.M)
    assert server.output.count("<") == 3


def test_its_line_counts_what_came_with_the_handshake(serve: Serve) -> None:
    server = serve("--access-log-format", "<%(received)s %(U)s>")
    with WebSocket(server.port, "/", behind=frame(TEXT, b"hello")) as ws:
        assert ws.recv().payload == b"hello"
        ws.finish()
    with WebSocket(server.port, "/length", behind=frame(TEXT, b"hello") + close()) as ws:
        assert ws.recv().payload == b"5"
        ws.closed()
    server.wait_for("<19 />")
    server.wait_for("<19 /length>")


def test_its_line_in_json(serve: Serve) -> None:
    server = serve("--access-log-format", "json", "--access-log-exclude", "/closes")
    for path in ("/closes", "/"):
        with WebSocket(server.port, path) as ws:
            ws.send(close(4002))
            with contextlib.suppress(EOFError):
                while True:
                    ws.recv()
    server.wait_for('"close_code":4002')
    (line,) = [json.loads(line) for line in server.output.splitlines() if line.startswith("{")]
    assert (line["path"], line["status"], line["close_code"]) == ("/", 101, 4002)


# ---- shutdown ----


def test_a_shutdown_tells_both_ends(own: Callable[..., Process]) -> None:
    server = own()
    with WebSocket(server.port) as ws, WebSocket(server.port) as other:
        ws.text("a")
        ws.recv()
        server.popen.terminate()
        assert ws.recv().code == 1012
        server.wait_for("disconnect 1012 ''", 2)
        ws.send(close(1012))
        ws.ended()
        assert other.recv().code == 1012
        other.send(close())
        other.ended()
        assert server.end() == -signal.SIGTERM
    assert "shut down" in server.output


def test_a_shutdown_with_another_code(own: Callable[..., Process]) -> None:
    server = own("--ws-shutdown-code", "1001")
    with WebSocket(server.port) as ws:
        server.popen.terminate()
        assert ws.recv().code == 1001
        ws.send(close(1001))
        ws.ended()
        assert server.end() == -signal.SIGTERM


def test_a_shutdown_waits_no_longer_than_for_the_close(own: Callable[..., Process]) -> None:
    """A client that does not answer holds nothing up."""
    server = own("--ws-close-timeout-s", "0.2")
    with WebSocket(server.port):
        server.popen.terminate()
        before_s = time.monotonic()
        assert server.end() == -signal.SIGTERM
        assert time.monotonic() - before_s < 5


def test_a_shutdown_ends_applications_that_stay(own: Callable[..., Process]) -> None:
    server = own("--timeout-graceful-shutdown", "0.3")
    with WebSocket(server.port, "/stays") as ws:
        server.wait_for("staying")
        server.popen.terminate()
        assert ws.recv().code == 1012
        ws.send(close())
        ws.ended()
        assert server.end() == -signal.SIGTERM
    assert "cancelled" in server.output
    assert "Cancel 1 running task(s), timeout graceful shutdown exceeded" in server.output


# ---- pings of our own ----


def test_a_client_that_answers_pings_stays(serve: Serve) -> None:
    """For longer than one that does not. (Judged by a client that was never held up itself.)"""
    server = serve("--ws-ping-interval", "0.1", "--ws-ping-timeout", "0.5", "--log-level", "debug")
    while not stays_by_pongs(server):
        pass
    server.wait_for("latency of the last pong")
    assert re.search(
        r"WebSocket closed: 1000 '' after \d+\.\d+ s, latency of the last pong \d+\.\d ms", server.output
    )


def stays_by_pongs(server: Process) -> bool:
    """Whether this process had the time to answer each ping."""
    with WebSocket(server.port) as ws:
        last_s = time.monotonic()
        for _ in range(7):
            ping = ws.recv()
            last_s, before_s = time.monotonic(), last_s
            if last_s - before_s > 0.4:
                return False
            assert ping.opcode == PING
            ws.send(frame(PONG, ping.payload))
        ws.text("still here")
        while (got := ws.recv()).opcode == PING:
            ws.send(frame(PONG, got.payload))
        assert got.payload == b"still here"
        ws.send(close())
        while ws.recv().opcode != CLOSE:
            pass
        ws.ended()
    return True


def test_a_client_that_does_not_is_given_up(serve: Serve) -> None:
    server = serve("--ws-ping-interval", "0.1", "--ws-ping-timeout", "0.3", "--log-level", "debug")
    with WebSocket(server.port) as ws:
        assert ws.recv().opcode == PING
        ws.send(frame(PONG, b"of nothing"))
        last = ws.closed()
        assert (last.code, last.reason) == (1011, "keepalive ping timeout")
    server.wait_for("disconnect 1011 'keepalive ping timeout'")


def test_pings_do_not_end_a_client_that_takes_its_time_to_read(serve: Serve) -> None:
    """Our ping is behind what it has not taken. (Judged only where the client was not held up later on.)"""
    server = serve("--ws-ping-interval", "0.1", "--ws-ping-timeout", "0.2", "--ws-shutdown-code", "1013")
    for _ in range(5):
        held_up = False
        with WebSocket(server.port, "/closes?bytes=9000000", receive_buffer_bytes=65536) as ws:
            time.sleep(0.8)
            received, last_s = 0, time.monotonic()
            while (got := ws.recv()).opcode in (BINARY, PING):
                if got.opcode == BINARY:
                    received += len(got.payload)
                else:
                    ws.send(frame(PONG, got.payload))
                last_s, before_s = time.monotonic(), last_s
                held_up = held_up or last_s - before_s > 0.1
        if not held_up:
            assert (received, got.code) == (9_000_000, 1000)
            return
    pytest.skip("this machine is too busy")


def test_pings_do_not_end_a_client_whose_message_arrives(serve: Serve) -> None:
    """It cannot answer before the frame is whole. (Judged only where the client was not held up itself.)"""
    server = serve("--ws-ping-interval", "0.1", "--ws-ping-timeout", "0.4")
    message = frame(BINARY, bytes(40_000))
    held_up = True
    while held_up:
        held_up = False
        with WebSocket(server.port, "/length") as ws:
            last_s = time.monotonic()
            for at in range(0, len(message), 1000):
                time.sleep(0.02)
                ws.send(message[at : at + 1000])
                last_s, before_s = time.monotonic(), last_s
                held_up = held_up or last_s - before_s > 0.2
            if not held_up:
                while (got := ws.recv()).opcode == PING:
                    pass
                assert got.payload == b"40000"


def test_no_pings(serve: Serve) -> None:
    server = serve("--ws-ping-interval", "0", "--ws-ping-timeout", "0.1")
    with WebSocket(server.port) as ws:
        ws.sock.settimeout(0.6)
        with pytest.raises(TimeoutError):
            ws.recv()
