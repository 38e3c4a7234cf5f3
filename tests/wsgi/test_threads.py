"""Which threads run the application, how many, and what if they do not come back?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import pytest
from asgi.serving import Serving, get, request, until
from wire.client import Client

from .apps import PLAIN, Door, Environ, StartResponse, Wsgi, returning
from .conftest import Serve, threads_of_ours


def behind(door: Door, told: list[str] | None = None) -> Wsgi:
    """An application that waits at the door, except for /at-once, and answers with its thread's name."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        name = threading.current_thread().name
        if told is not None:
            told.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] != "/at-once":
            door.wait()
        start_response("200 OK", [*PLAIN])
        return [name.encode()]

    return app


def sent(serving: Serving, count: int) -> list[Client]:
    """Clients that have sent a request each, one after the other."""
    clients = []
    for number in range(count):
        client = serving.connect()
        clients.append(client)
        client.send(get(f"/{number}"))
        until(lambda: serving.in_flight == number + 1, "the request did not come")  # noqa: B023
    return clients


def answers(clients: list[Client]) -> list[bytes]:
    bodies = []
    for client in clients:
        with client:
            bodies.append(client.response().body)
    return bodies


def test_threads_grow_by_need_up_to_the_maximum(serve_threads: Serve) -> None:
    door = Door()
    serving = serve_threads(behind(door), wsgi_threads=3, wsgi_threads_min=1)
    assert len(threads_of_ours()) == 1
    clients = sent(serving, 5)
    door.await_reached(3)
    assert len(threads_of_ours()) == 3
    door.open(5)
    assert len(set(answers(clients))) == 3


def test_the_minimum_is_there_from_the_start(serve_threads: Serve) -> None:
    serve_threads(returning([b"ok"]), wsgi_threads=8, wsgi_threads_min=5)
    assert len(threads_of_ours()) == 5


def test_a_minimum_above_the_maximum_is_the_maximum(serve_threads: Serve) -> None:
    serve_threads(returning([b"ok"]), wsgi_threads=2, wsgi_threads_min=5)
    assert len(threads_of_ours()) == 2


def test_idle_threads_beyond_the_minimum_end(serve_threads: Serve) -> None:
    door = Door()
    serving = serve_threads(behind(door), wsgi_threads=4, wsgi_threads_min=1, wsgi_thread_idle_timeout_s=0.05)
    clients = sent(serving, 4)
    door.await_reached(4)
    door.open(4)
    answers(clients)
    until(lambda: len(threads_of_ours()) == 1, "they did not end")
    assert serving.ask(get("/at-once")).status == 200


def test_they_are_threads_like_any_other(serve: Serve, driver: str) -> None:
    found: list[threading.Thread] = []
    local = threading.local()

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        found.append(threading.current_thread())
        local.count = getattr(local, "count", 0) + 1
        start_response("200 OK", [*PLAIN])
        return [str(local.count).encode()]

    serving = serve(app, wsgi_threads=1) if driver == "threads" else serve(app)
    assert [serving.ask().body for _ in range(3)] == [b"1", b"2", b"3"]
    assert {thread.name for thread in found} == {"fastserve-wsgi-1" if driver == "threads" else "fastserve"}


def test_one_request_that_waits_holds_no_other_up(serve_threads: Serve) -> None:
    door = Door()
    serving = serve_threads(behind(door), wsgi_threads=2)
    with serving.connect() as client:
        client.send(get("/slow"))
        door.await_reached()
        assert [serving.ask(get("/at-once")).status for _ in range(20)] == [200] * 20
        door.open()
        assert client.response().status == 200


def test_a_burst_that_waits_gets_a_thread_for_each(serve_threads: Serve) -> None:
    """Requests that are read in one turn wake one thread. The others come because that one waits."""
    door = Door()
    serving = serve_threads(behind(door), wsgi_threads=4, wsgi_threads_min=1)
    clients = [serving.connect() for _ in range(6)]
    serving.await_idle()

    def send_all() -> None:
        for client in clients:
            client.send(get())

    serving.in_loop(send_all)  # the loop reads none of them before the last is sent
    door.await_reached(4)
    door.open(6)
    assert len(set(answers(clients))) == 4


def test_many_at_once(serve: Serve) -> None:
    serving = serve(returning([b"ok"]))

    def client() -> None:
        with serving.connect() as connection:
            for _ in range(50):
                assert connection.ask(get()).body == b"ok"
            done.append(True)

    done: list[bool] = []
    clients = [threading.Thread(target=client) for _ in range(16)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert len(done) == 16


# ---- the queue ----


def test_beyond_the_queue_is_503(serve_threads: Serve) -> None:
    door = Door()
    serving = serve_threads(behind(door), wsgi_threads=1, wsgi_queue_max=2)
    first = sent(serving, 1)
    door.await_reached()
    waiting = sent_behind(serving, 1, 2)
    with serving.connect() as client:
        for data in (get(), request("POST", "/", body=b"x" * 100)):
            response = client.ask(data)
            assert (response.status, response.header("retry-after")) == (503, [b"1"])
        door.open(3)
        assert len(answers(first + waiting)) == 3
        assert client.ask(get("/at-once")).status == 200, "the connection was to stay"
    (error,) = serving.errors()
    assert error == "2 requests wait for a thread: others are answered by 503"


def sent_behind(serving: Serving, before: int, count: int) -> list[Client]:
    clients = [serving.connect() for _ in range(count)]
    for number, client in enumerate(clients, before + 1):
        client.send(get(f"/{number}"))
        until(lambda: serving.in_flight == number, "the request did not come")  # noqa: B023
    return clients


# ---- silence ----


def test_a_thread_that_is_silent_is_told_of_with_its_stack(serve_threads: Serve) -> None:
    door = Door()
    serving = serve_threads(behind(door), wsgi_thread_timeout_s=0.1)
    with serving.connect() as client:
        client.send(get("/stuck"))
        door.await_reached()
        (error,) = until(serving.errors, "nothing was logged")
        time.sleep(0.3)
        door.open()
        assert client.response().status == 200
    assert error.startswith("Thread fastserve-wsgi-1 has been in the application for 0.")
    assert "door.wait()" in error and "(GET /stuck)" in error
    assert serving.errors() == [], "it was told twice"


def test_who_waits_for_the_client_is_not_silent(serve_threads: Serve) -> None:
    """Nor has it been, when it goes on: its silence begins where the wait ends."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        time.sleep(0.5)
        start_response("200 OK", [*PLAIN])
        return iter([body, b"x" * 6_000_000])

    serving = serve_threads(app, wsgi_thread_timeout_s=1.2)
    with serving.connect(receive_buffer_bytes=10_000) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        time.sleep(1)
        client.send(b"world")
        time.sleep(1.5)
        assert len(client.response().body) == 6_000_010
    assert serving.errors() == []


# ---- context variables ----

touched: ContextVar[str] = ContextVar("touched", default="")


def test_context_variables_are_those_of_the_start(serve: Serve) -> None:
    """What a request sets, no other one sees; it sees it itself, to its end."""
    told: list[Any] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        told.append(touched.get())
        touched.set(environ["PATH_INFO"])
        start_response("200 OK", [*PLAIN])

        class Result:
            def __iter__(self) -> Any:
                yield touched.get().encode()
                yield touched.get().encode()

            def close(self) -> None:
                told.append(touched.get())

        return Result()

    serving = serve(app)
    with serving.connect() as client:
        assert client.ask(get("/a")).body == b"/a/a"
        assert client.ask(get("/b")).body == b"/b/b"
    serving.await_idle()
    assert sorted(told) == ["", "", "/a", "/b"]


# ---- the end ----


def test_requests_finish_at_shutdown(serve_threads: Serve) -> None:
    door = Door()
    serving = serve_threads(behind(door), wsgi_threads=1)
    clients = sent(serving, 2)
    door.await_reached()
    stopping = threading.Thread(target=serving.stop)
    stopping.start()
    until(lambda: serving.server._endpoint.draining, "it does not stop")
    door.open(2)
    assert len(answers(clients)) == 2
    stopping.join()


def test_a_thread_that_does_not_come_back_is_left_behind(serve_threads: Serve) -> None:
    door = Door()
    serving = serve_threads(behind(door), wsgi_threads=1, timeout_graceful_shutdown=0.1)
    clients = sent(serving, 2)
    door.await_reached()
    serving.stop()
    for client in clients:
        with client:
            assert client.response().status == 503
    errors = serving.errors()
    assert errors[0] == "Cancel 2 running task(s), timeout graceful shutdown exceeded"
    assert errors[1].startswith("Thread fastserve-wsgi-1 is left behind in the application")
    assert "door.wait()" in errors[1] and "(GET /0)" in errors[1]
    (thread,) = threads_of_ours()
    assert thread.daemon
    door.open()
    thread.join(5)


def test_who_waits_for_the_client_is_released_at_the_end(serve_threads: Serve) -> None:
    ended: list[str] = []

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        try:
            if environ["REQUEST_METHOD"] == "POST":
                environ["wsgi.input"].read()
            start_response("200 OK", [*PLAIN])
            while True:
                yield b"x" * 100_000
        except OSError:
            ended.append("input")
            raise
        finally:
            ended.append("end")

    serving = serve_threads(app, timeout_graceful_shutdown=0.1)
    with serving.connect() as reading, serving.connect() as writing:
        writing.send(get())
        writing.receive()
        reading.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        until(lambda: serving.in_flight == 2, "they did not come")
        serving.stop()
        reading_status = reading.response().status
    assert reading_status == 503
    assert sorted(ended) == ["end", "end", "input"]
    assert serving.errors() == ["Cancel 2 running task(s), timeout graceful shutdown exceeded"]


def test_threads_end_behind_a_driver_that_answers_for_health(serve_threads: Serve) -> None:
    serving = serve_threads(returning([b"ok"]), health_path="/health")
    assert (serving.ask(get("/health")).status, serving.ask().body) == (200, b"ok")
    serving.stop()
    until(lambda: not threads_of_ours(), "they did not end")


@pytest.mark.parametrize("count", [1, 3])
def test_servers_after_one_another(serve_threads: Serve, count: int) -> None:
    for _ in range(count):
        serving = serve_threads(returning([b"ok"]))
        assert serving.ask().body == b"ok"
        serving.stop()
        assert threads_of_ours() == []
