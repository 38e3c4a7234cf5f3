"""What do the supervisor and a child say to each other?

There is one stream socket for each child. First goes the child's order, a pickle, and with it the
descriptors that it tells of; then messages go both ways, each a line of JSON. The end of the
stream is a message too: of a child, that it has ended, and of the supervisor, that it has ended, however that
happened.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pickle
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["DESCRIPTOR", "Channel"]

#: Where a child finds its end.
DESCRIPTOR = 3

#: The size of the order, and how many descriptors come with it.
_HEADER = struct.Struct("!QQ")
#: So many at once; the kernel's limit is 253.
_DESCRIPTORS_MAX = 128
#: A child that takes nothing any more is not told more than this.
_UNSENT_BYTES_MAX = 1 << 20


class HasDescriptor(Protocol):
    def fileno(self) -> int: ...


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

    def order(self, order: object, files: Sequence[HasDescriptor]) -> None:
        """Send a child its order and its descriptors, before anything else; nowhere, if it has ended."""
        data = pickle.dumps(order)
        descriptors = [file.fileno() for file in files]
        with contextlib.suppress(ConnectionError):
            self._sock.sendall(_HEADER.pack(len(data), len(descriptors)))
            for begin in range(0, len(descriptors), _DESCRIPTORS_MAX):
                socket.send_fds(self._sock, [b"\0"], descriptors[begin : begin + _DESCRIPTORS_MAX])
        self._unsent += data
        self.flush()

    def receive_order(self) -> tuple[Any, list[int]]:
        """Wait for the order; return it and the descriptors. Raises EOFError."""
        size, count = _HEADER.unpack(self._whole(_HEADER.size))
        descriptors: list[int] = []
        while len(descriptors) < count:
            byte, some, _, _ = socket.recv_fds(self._sock, 1, _DESCRIPTORS_MAX)
            if not byte:
                raise EOFError
            descriptors += some
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        return pickle.loads(self._whole(size)), descriptors

    def _whole(self, size: int) -> bytes:
        data = bytearray()
        while size > len(data):
            part = self._sock.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return bytes(data)

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
