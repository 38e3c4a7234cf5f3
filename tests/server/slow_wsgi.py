"""The same as slow.py for WSGI."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from application import say
from slow import SLOW_S, compute


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/sleeps":
        say("sleeps")
        time.sleep(SLOW_S)
    elif path == "/computes":
        compute()
    elif path == "/body":
        say("wants its body")
        environ["wsgi.input"].read()
    start_response("200 OK", [])
    return blocks() if path == "/client" else [b"done"]


def blocks() -> Iterator[bytes]:
    say("sends")
    for _ in range(200):
        yield bytes(100_000)
