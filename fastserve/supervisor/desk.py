"""Who asks the supervisor, and gets an answer at once?

Clients of a listening socket: each sends one question, gets one answer, and is gone. Nobody is waited for:
who connects and says nothing is forgotten for others, and what does not fit into a client's buffer is lost.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Desk", "Forget", "Watch"]

_CLIENTS_MAX = 8
_BACKLOG = 64
_QUESTION_BYTES_MAX = 4096

#: Register a socket: what is called when it can be read. And the opposite.
Watch = Callable[[Any, Callable[[], None]], None]
Forget = Callable[[Any], object]


class Desk:
    """Answers on these bound sockets, which stay the caller's, until `close()`.

    `answer` is given what a client has sent so far, and returns what it gets, or None if more has to come.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        answer: Callable[[bytes], bytes | None],
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
        self._watch(sock, lambda: self._accept(sock))

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
        self._watch(client, lambda: self._read(client))

    def _read(self, client: socket.socket) -> None:
        try:
            data = client.recv(_QUESTION_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        question = self._clients[client] = self._clients[client] + data
        answer = self._answer(question)
        if answer is not None:
            with contextlib.suppress(OSError):  # who asks and does not take the answer
                client.sendall(answer)
        elif data and len(question) < _QUESTION_BYTES_MAX:
            return
        self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        del self._clients[client]
        self._forget(client)
        client.close()
