"""How does the server end? No new connections, idle ones closed, requests finished or cancelled, lifespan.

Each test has a server of its own and sends it SIGTERM.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator

import pytest

from .client import Client
from .script import answer, body, fill, mark, read, script, start, wait
from .servers import Option, Server
from .verdict import G, P

Starter = Callable[[dict[str, Option]], Server]


@pytest.fixture
def start_server(http: str) -> Iterator[Starter]:
    """Starts servers that end with the test."""
    servers = []

    def start_one(options: dict[str, Option]) -> Server:
        servers.append(Server(http, options))
        return servers[-1]

    yield start_one
    for server in servers:
        server.stop()


def assert_ended(server: Server, timeout_s: float = 5.0) -> str:
    """The process ends, of its own accord or by the signal it took, after the application's shutdown."""
    assert server.wait(timeout_s) in (0, -signal.SIGTERM)
    log = server.stderr()
    assert "wire app: lifespan.shutdown" in log
    assert "Traceback" not in log
    return log


def await_shutting_down(server: Server) -> None:
    server.await_output("Shutting down")


def test_idle_connections_close_at_once(start_server: Starter) -> None:
    server = start_server({"timeout-keep-alive": 600})
    with server.connect() as fresh, server.connect() as kept:
        assert kept.ask(G + b"\r\n").status == 200
        server.terminate()
        kept.expect_eof()
        fresh.expect_eof()
        assert_ended(server, timeout_s=2.0)


def test_request_in_flight_is_finished(start_server: Starter) -> None:
    server = start_server({})
    with server.connect() as client:
        client.send(P + b"Content-Length: 10\r\n\r\nhello")
        server.await_seen(lambda seen: True)
        server.terminate()
        await_shutting_down(server)
        client.expect_silence()
        assert server.process.poll() is None
        client.send(b"world")
        response = client.response("POST")
        assert response.json()["body"] == "helloworld"
        assert response.closes
        client.expect_eof()
    assert_ended(server)


def test_head_that_has_begun_is_finished(start_server: Starter) -> None:
    server = start_server({})
    with server.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHos")
        with server.connect() as other:  # what came before has been read by the time this is answered
            assert other.ask(G + b"\r\n").status == 200
        server.terminate()
        await_shutting_down(server)
        client.send(b"t: a\r\n\r\n")
        response = client.response()
        assert response.status == 200
        assert response.closes
        client.expect_eof()
    assert_ended(server)


def test_answer_that_has_begun_is_finished(start_server: Starter) -> None:
    server = start_server({})
    target = script(start(200), body(b"a", more=True), read(), body(b"b"))
    with server.connect() as client:
        client.send(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n".encode())
        while b"a" not in client.buffer.partition(b"\r\n\r\n")[2]:
            assert client.receive()
        server.terminate()
        await_shutting_down(server)
        client.send(b"x")
        assert client.response("POST").body == b"ab"
        client.expect_eof()
    assert_ended(server)


def test_rest_of_a_body_that_is_answered_is_not_waited_for(start_server: Starter) -> None:
    server = start_server({"linger-timeout-s": 60})
    with server.connect() as client:
        target = script(answer(b"early"))
        client.send(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello".encode())
        assert client.response("POST").body == b"early"
        server.terminate()
        client.expect_eof()
        client.send(b"world")
    assert_ended(server, timeout_s=2.0)


def test_no_connection_is_accepted_while_requests_finish(start_server: Starter) -> None:
    server = start_server({})
    with server.connect() as client:
        client.send(P + b"Content-Length: 1\r\n\r\n")
        server.await_seen(lambda seen: True)
        server.terminate()
        await_shutting_down(server)
        with pytest.raises(ConnectionRefusedError):
            server.connect()
        client.send(b"x")
        assert client.response("POST").status == 200
    assert_ended(server)


def test_no_pipelined_request_begins_while_requests_finish(start_server: Starter) -> None:
    server = start_server({})
    with server.connect() as client:
        client.send(P + b"Content-Length: 1\r\n\r\n")
        server.await_seen(lambda seen: True)
        server.terminate()
        await_shutting_down(server)
        client.send(b"x" + G + b"\r\n")
        assert client.response("POST").closes
        client.expect_eof()
    assert_ended(server)


@pytest.mark.parametrize("begun", [False, True], ids=["before the head", "behind the head"])
def test_requests_are_cancelled_at_the_deadline(start_server: Starter, begun: bool) -> None:
    server = start_server({"timeout-graceful-shutdown": 0.3})
    steps = [start(200, ("content-length", "10")), body(b"hello", more=True)] if begun else []
    target = script(mark("waiting"), steps, wait("never"))
    with server.connect() as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        server.await_seen(lambda seen: seen.marks == ["waiting"])
        server.terminate()
        data = client.read_to_end()
        if begun:
            assert data.endswith(b"\r\n\r\nhello")
        else:
            assert data == b"" or data.startswith(b"HTTP/1.1 5")
    log = assert_ended(server)
    assert "Cancel 1 running task(s), timeout graceful shutdown exceeded" in log


def test_client_that_does_not_read_cannot_hold_the_server(start_server: Starter) -> None:
    server = start_server({"timeout-graceful-shutdown": 0.3})
    with server.connect(receive_buffer_bytes=32768) as client:
        client.send(f"GET {script(start(200), fill(65536, 1000))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        server.await_seen(lambda seen: bool(seen.marks))
        server.terminate()
        assert_ended(server)


def test_half_closed_and_lingering_clients_cannot_hold_the_server(start_server: Starter) -> None:
    server = start_server({"timeout-graceful-shutdown": 0.3, "linger-timeout-s": 60})
    clients = [server.connect() for _ in range(3)]
    clients[0].send(b"GET / HTTP/1.1\r\n\r\n")
    assert clients[0].response().status == 400
    clients[1].send(f"GET {script(wait('never'))} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    clients[1].shutdown_write()
    server.await_seen(lambda seen: True)
    server.terminate()
    assert_ended(server)
    for client in clients:
        client.close()


def test_no_line_of_the_access_log_is_lost(start_server: Starter) -> None:
    server = start_server({})
    with server.connect() as client:
        client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(200)))
        read_all(client, 200)
        server.terminate()
        client.expect_eof()
    assert_ended(server)
    assert re.findall(r'"GET (\S+) HTTP/1.1" 200 OK\n', server.stdout()) == [f"/{i}" for i in range(200)]


def read_all(client: Client, count: int) -> None:
    for _ in range(count):
        assert client.response().status == 200


@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]], ids=["INT", "TERM twice"]
)
def test_other_signals(start_server: Starter, signals: list[signal.Signals]) -> None:
    server = start_server({})
    with server.connect() as client:
        assert client.ask(G + b"\r\n").status == 200
        for number in signals:
            server.process.send_signal(number)
        client.expect_eof()
    assert server.wait(5.0) in (0, -signals[0], 128 + signals[0])
    assert "wire app: lifespan.shutdown" in server.stderr()
    assert "Traceback" not in server.stderr()


def test_answer_of_a_cancelled_application(start_server: Starter) -> None:
    """An application that has answered and works on is cancelled too; its answer is whole."""
    server = start_server({"timeout-graceful-shutdown": 0.3})
    with server.connect() as client:
        client.send(
            f"GET {script(answer(b'ok'), mark('on'), wait('never'))} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        )
        assert client.response().body == b"ok"
        server.await_seen(lambda seen: seen.marks == ["on"])
        server.terminate()
        client.expect_eof()
    assert_ended(server)
