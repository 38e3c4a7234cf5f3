"""The wire suite's application (wire/app.py) as one of WSGI: same paths, same steps, same records."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from wire.app import SETTLE_TIMEOUT_S
from wire.script import Step, steps_of
from wire.seen import BODY_KEPT_MAX, Seen

Environ = dict[str, Any]
StartResponse = Callable[..., Callable[[bytes], None]]

PHRASES = {status.value: status.phrase for status in HTTPStatus}

_touched: ContextVar[bool] = ContextVar("touched", default=False)


class WsgiWireApp:
    """A WSGI application with a memory of what it saw and gates that tests open."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._gates: dict[str, threading.Semaphore] = {}
        # The test's process holds the other end of stdin: whatever ends it ends this process too.
        threading.Thread(target=_end_with_stdin, daemon=True).start()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/__"):
            return self._control(environ, start_response)
        return self._recorded(environ, start_response)

    def gate(self, gate: str) -> threading.Semaphore:
        return self._gates.setdefault(gate, threading.Semaphore(0))

    def _settled(self, waits: bool) -> list[Seen]:
        deadline_s = time.monotonic() + (SETTLE_TIMEOUT_S if waits else 0)
        while not all(record.finished for record in self.seen) and time.monotonic() < deadline_s:
            time.sleep(0.005)
        records, self.seen = self.seen, []
        self._gates.clear()
        return records

    def _control(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        command, _, argument = environ["PATH_INFO"][3:].partition("/")
        if command == "file":
            start_response("200 OK", [("Content-Type", "application/octet-stream")])
            sent: Iterable[bytes] = environ["wsgi.file_wrapper"](io.FileIO(f"/{argument}"))
            return sent
        answer: object = None
        if command == "seen":
            answer = [record.to_json() for record in self._settled(environ["wsgi.multithread"])]
        elif command == "peek":
            answer = [record.to_json() for record in self.seen]
        elif command == "open":
            self.gate(argument).release()
        elif command == "objects":
            gc.collect()
            answer = Counter(f"{type(o).__module__}.{type(o).__qualname__}" for o in gc.get_objects())
        return _json(start_response, answer)

    def _recorded(self, environ: Environ, start_response: StartResponse) -> Iterator[bytes]:
        record = _record_of(environ)
        self.seen.append(record)
        try:
            steps = steps_of(environ["PATH_INFO"])
            if steps:
                yield from _Actor(self, record, environ["wsgi.input"], start_response).perform(steps)
            else:
                _read(record, environ["wsgi.input"])
                yield from _json(start_response, record.to_json())
        except OSError:  # the server's, of whatever implementation
            record.disconnected = True
            raise
        finally:
            record.finished = True


class _Actor:
    """Carries out the steps of one request."""

    def __init__(self, app: WsgiWireApp, record: Seen, file: Any, start_response: StartResponse) -> None:
        self._app = app
        self._record = record
        self._file = file
        self._start_response = start_response

    def perform(self, steps: list[Step]) -> Iterator[bytes]:
        for name, *arguments in steps:
            yield from getattr(self, f"do_{name}")(*arguments)

    def do_start(self, status: int, headers: list[list[str]]) -> Iterator[bytes]:
        status_line = f"{status} {PHRASES.get(status, '')}"
        self._start_response(status_line, [(name, value) for name, value in headers])
        yield from ()

    def do_body(self, data: str, more: bool) -> Iterator[bytes]:
        yield data.encode("latin-1")

    def do_fill(self, size: int, times: int, more: bool) -> Iterator[bytes]:
        for count in range(1, times + 1):
            yield b"x" * size
            self._record.marks.append(f"sent {count}")

    def do_read(self) -> Iterator[bytes]:
        _read(self._record, self._file)
        yield from ()

    def do_wait(self, gate: str) -> Iterator[bytes]:
        self._app.gate(gate).acquire(timeout=10)
        yield from ()

    def do_mark(self, name: str) -> Iterator[bytes]:
        self._record.marks.append(name)
        yield from ()

    def do_fail(self) -> Iterator[bytes]:
        raise RuntimeError("the script says: fail")
        yield


def _record_of(environ: Environ) -> Seen:
    record = Seen(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin-1").decode(errors="replace"),
        raw_path=environ["fastserve.raw_path"],
        query_string=environ["QUERY_STRING"],
        http_version=environ["SERVER_PROTOCOL"].partition("/")[2],
        scheme=environ["wsgi.url_scheme"],
        root_path=environ["SCRIPT_NAME"],
        client=environ["REMOTE_ADDR"],
        headers=[
            [name[5:].replace("_", "-").lower(), value]
            for name, value in environ.items()
            if name.startswith("HTTP_")
        ],
        context_leaked=_touched.get(),
    )
    _touched.set(True)
    return record


def _read(record: Seen, file: Any) -> None:
    while data := file.read(1 if record.body_length < 10 else 65536):
        record.body_length += len(data)
        record.body += data[: BODY_KEPT_MAX - len(record.body)].decode("latin-1")
    record.complete = True


def _json(start_response: StartResponse, value: object) -> Iterable[bytes]:
    data = json.dumps(value).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(data)))])
    return [data]


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGKILL)


app = WsgiWireApp()
