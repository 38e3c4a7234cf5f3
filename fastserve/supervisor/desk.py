"""Who asks the supervisor, and gets an answer?

Clients of a listening socket: each sends one question, gets one answer, and is gone. Nobody is waited for:
who connects and says nothing, or takes nothing, is forgotten for others.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Answer", "Desk", "Forget", "Watch"]

_CLIENTS_MAX = 8
_BACKLOG = 64
_QUESTION_BYTES_MAX = 4096

#: Register a socket: what is called when it is ready, and for which event. And the opposite.
Watch = Callable[[Any, Callable[[], None], int], None]
Forget = Callable[[Any], object]
#: Given what a client has sent so far, and what takes an answer that is not there yet; returns the answer, or
#: None if more has to come, or if it comes later.
Answer = Callable[[bytes, Callable[[bytes], None]], bytes | None]


class Desk:
    """Answers on these bound sockets, which stay the caller's, until `close()`."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        answer: Answer,
        watch: Watch,
        forget: Forget,
    ) -> None:
        self._sockets = sockets
        self._answer = answer
        self._watch = watch
        self._forget = forget
        self._clients: dict[socket.socket, bytes] = {}
        for sock in sockets:
            sock.setblocking(False)
            sock.listen(_BACKLOG)
            self._watch_listening(sock)

    def _watch_listening(self, sock: socket.socket) -> None:
        self._watch(sock, lambda: self._accept(sock), selectors.EVENT_READ)

    def close(self) -> None:
        for client in [*self._clients]:
            self._drop(client)
        for sock in self._sockets:
            self._forget(sock)

    def _accept(self, listening: socket.socket) -> None:
        try:
            client, _ = listening.accept()
        except OSError:  # it has gone again, or there is no descriptor left
            return
        client.setblocking(False)
        if len(self._clients) >= _CLIENTS_MAX:
            self._drop(next(iter(self._clients)))
        self._clients[client] = b""
        self._watch(client, lambda: self._read(client), selectors.EVENT_READ)

    def _read(self, client: socket.socket) -> None:
        try:
            data = client.recv(_QUESTION_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        question = self._clients[client] = self._clients[client] + data
        answer = self._answer(question, lambda answer: self._reply(client, answer)) if data else None
        if answer is not None:
            self._reply(client, answer)
        elif not data or len(question) >= _QUESTION_BYTES_MAX:
            self._drop(client)

    def _reply(self, client: socket.socket, answer: bytes) -> None:
        if client in self._clients:  # it has not gone meanwhile
            self._clients[client] = answer
            self._forget(client)
            self._watch(client, lambda: self._write(client), selectors.EVENT_WRITE)

    def _write(self, client: socket.socket) -> None:
        try:
            left = self._clients[client] = self._clients[client][client.send(self._clients[client]) :]
        except BlockingIOError:
            return
        except OSError:
            left = b""
        if not left:
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client]
        self._forget(client)
        client.close()
