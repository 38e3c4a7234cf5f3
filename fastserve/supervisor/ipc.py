"""What do the supervisor and a child say to each other?

There is one stream socket for each child. First goes the child's order, a pickle, and with it the
descriptors of the sockets to listen on; then messages go both ways, each a line of JSON. The end of the
stream is a message too: of a child, that it has ended, and of the supervisor, that it has ended, however that
happened.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import pickle
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Any

__all__ = ["DESCRIPTOR", "Channel"]

#: Where a child finds its end.
DESCRIPTOR = 3

_HEADER = struct.Struct("!Q")
#: More sockets than anybody binds; one message could carry 253.
_DESCRIPTORS_MAX = 128
#: A child that takes nothing any more is not told more than this.
_UNSENT_BYTES_MAX = 1 << 20


class Channel:
    """One end. Sending never waits: what the other side has not taken yet is kept until `flush()`."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._unsent = bytearray()
        self._unread = b""
        #: A worker speaks from its loop, and from the thread that hears what it is told.
        self._sending = threading.Lock()

    @classmethod
    def of_child(cls) -> Channel:
        """Return the end of the child that this process is."""
        sock = socket.socket(fileno=DESCRIPTOR)
        sock.set_inheritable(False)
        return cls(sock)

    def fileno(self) -> int:
        return self._sock.fileno()

    @property
    def pending(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._unsent)

    def order(self, order: object, sockets: Sequence[socket.socket]) -> None:
        """Send a child its order and its sockets, before anything else; nowhere, if it has ended."""
        data = pickle.dumps(order)
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._sock, [_HEADER.pack(len(data))], [sock.fileno() for sock in sockets])
        self._unsent += data
        self.flush()

    def receive_order(self) -> tuple[Any, list[socket.socket]]:
        """Wait for the order. Raises EOFError."""
        header, descriptors, _, _ = socket.recv_fds(self._sock, _HEADER.size, _DESCRIPTORS_MAX)
        sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        for sock in sockets:
            sock.set_inheritable(False)
        if len(header) < _HEADER.size:
            raise EOFError
        (left,) = _HEADER.unpack(header)
        data = bytearray()
        while left > len(data):
            part = self._sock.recv(left - len(data))
            if not part:
                raise EOFError
            data += part
        return pickle.loads(data), sockets

    def send(self, **message: Any) -> None:
        line = json.dumps(message).encode() + b"\n"
        with self._sending:
            if len(self._unsent) < _UNSENT_BYTES_MAX:
                self._unsent += line
                self._flush()

    def flush(self) -> None:
        """Send what the other side takes. Its end is told by `receive()`."""
        with self._sending:
            self._flush()

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(self._unsent, socket.MSG_DONTWAIT)]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent.clear()

    def receive(self, wait: bool) -> list[dict[str, Any]] | None:
        """Return the messages that have come, at least one if it may wait; None at the end of the stream.

        What is no message is left out: a child's application can write to any of its descriptors.
        """
        while True:
            try:
                data = self._sock.recv(65536, 0 if wait else socket.MSG_DONTWAIT)
            except BlockingIOError:
                return []
            except OSError:  # ECONNRESET: it ended without reading all
                return None
            if not data:
                return None
            *lines, self._unread = (self._unread + data).split(b"\n")
            messages = [message for message in map(_message, lines) if message is not None]
            if messages or not wait:
                return messages

    def close(self) -> None:
        self._sock.close()


def _message(line: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def pair() -> tuple[Channel, int]:
    """Return the supervisor's end, and the descriptor of the child's, which the caller closes.

    Its number is none of those that a child is given. Raises OSError.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with theirs:
        try:
            descriptor = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, DESCRIPTOR + 1)
        except OSError:
            ours.close()
            raise
    return Channel(ours), descriptor
