"""What are the applications of many tests made of?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.validate import validator

from asgi.serving import TIMEOUT_S

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], None]]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]

PLAIN = [("Content-Type", "text/plain")]


def valid(app: Wsgi) -> Any:
    """The application under wsgiref's judgment: an error of its own or the server's raises, hence is 500."""
    return validator(app)  # type: ignore[arg-type]


def returning(blocks: Iterable[bytes], status: str = "200 OK", headers: Any = PLAIN) -> Wsgi:
    """An application that returns this, whatever it is asked."""

    def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, list(headers))
        return blocks

    return app


class Seeing:
    """An application that keeps the last environ and answers `ok`."""

    def __init__(self) -> None:
        self.environ: Environ = {}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self.environ = {name: value for name, value in environ.items() if not callable(value)}
        start_response("200 OK", [*PLAIN])
        return [b"ok"]


class Door:
    """Where an application's thread waits until its test lets it pass."""

    def __init__(self) -> None:
        self._reached = threading.Semaphore(0)
        self._open = threading.Semaphore(0)

    def wait(self) -> None:
        """In the application."""
        self._reached.release()
        assert self._open.acquire(timeout=TIMEOUT_S), "nobody opened the door"

    def await_reached(self, count: int = 1) -> None:
        """In the test: so many have come."""
        for _ in range(count):
            assert self._reached.acquire(timeout=TIMEOUT_S), "the application did not come to the door"

    def open(self, count: int = 1) -> None:
        """In the test: let so many pass."""
        self._open.release(count)


class Blocks:
    """An iterable of blocks that tells whether it was closed, and how often, and how many were taken."""

    def __init__(self, blocks: Iterable[bytes], closed: Callable[[], None] = lambda: None) -> None:
        self._blocks = iter(blocks)
        self._closed = closed
        self.taken = 0
        self.closes = 0

    def __iter__(self) -> Blocks:
        return self

    def __next__(self) -> bytes:
        block = next(self._blocks)
        self.taken += 1
        return block

    def close(self) -> None:
        self.closes += 1
        self._closed()
