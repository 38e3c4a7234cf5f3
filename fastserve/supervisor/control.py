"""What does an operator ask of the supervisor, while it runs?

A UNIX socket that only its owner may connect to. A client sends one line, a JSON object such as
`{"do": "scale", "count": 4}`, and gets one line back: what it asked for, or `{"error": "..."}`. Nobody is
waited for: who connects and says nothing is forgotten for others.
"""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any

from fastserve.sockets import bind_unix

__all__ = ["Control"]

_MODE = "600"
_CLIENTS_MAX = 8
_LINE_BYTES_MAX = 4096

#: Register a socket: what is called when it can be read. And the opposite.
Watch = Callable[[Any, Callable[[], None]], None]
Forget = Callable[[Any], object]


class Control:
    """Listens on a path until `close()`. Raises StartupError.

    `answer` is given what a client sent, and returns what it gets.
    """

    def __init__(
        self, path: str, answer: Callable[[dict[str, Any]], dict[str, Any]], watch: Watch, forget: Forget
    ) -> None:
        self._answer = answer
        self._watch = watch
        self._forget = forget
        self._clients: dict[socket.socket, bytes] = {}
        self._binding = bind_unix(path, _MODE, None, None)
        (self._listening,) = self._binding.sockets
        self._listening.setblocking(False)
        self._listening.listen(_CLIENTS_MAX)
        watch(self._listening, self._accept)

    def close(self) -> None:
        for client in [*self._clients]:
            self._drop(client)
        self._forget(self._listening)
        self._binding.close()

    def _accept(self) -> None:
        try:
            client, _ = self._listening.accept()
        except OSError:  # it has gone again, or there is no descriptor left
            return
        client.setblocking(False)
        if len(self._clients) >= _CLIENTS_MAX:
            self._drop(next(iter(self._clients)))
        self._clients[client] = b""
        self._watch(client, lambda: self._read(client))

    def _read(self, client: socket.socket) -> None:
        try:
            data = client.recv(_LINE_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        line = self._clients[client] = self._clients[client] + data
        if line.endswith(b"\n"):
            with contextlib.suppress(OSError):  # who asks and does not take the answer
                client.sendall(json.dumps(self._judged(line)).encode() + b"\n")
        elif data and len(line) < _LINE_BYTES_MAX:
            return
        self._drop(client)

    def _judged(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            return {"error": "That is no JSON object."}
        return self._answer(request)

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client]
        self._forget(client)
        client.close()
