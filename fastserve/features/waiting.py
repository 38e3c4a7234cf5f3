"""How many clients wait while the event loop stands still?

Seen from another thread: whatever they have sent lies unread in the kernel, or was read and waits for its
turn, or they have not even been accepted.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
from collections.abc import Iterable
from typing import Any

__all__ = ["waiting"]

#: So many connections are looked at; with more of them, the number is a lower bound.
_LOOKED_AT_MAX = 4096
#: tcpi_unacked in Linux's struct tcp_info; of a listening socket, it is the length of its queue.
_TCP_INFO_UNACKED = struct.Struct("24xI")


def waiting(peers: Iterable[Any], listeners: Iterable[socket.socket]) -> int:
    """Count the connections that have sent something which nobody has looked at.

    `peers` are protocols with `is_reader` and `transport`.
    """
    count = sum(_not_accepted(listener) for listener in listeners)
    poll = select.poll()
    registered = False
    for peer, _ in zip(peers, range(_LOOKED_AT_MAX), strict=False):
        if getattr(peer, "is_reader", False):
            count += 1
            continue
        # A connection may end at any moment, in the loop's thread.
        with contextlib.suppress(AttributeError, OSError, ValueError, RuntimeError):
            poll.register(peer.transport.get_extra_info("socket").fileno(), select.POLLIN)
            registered = True
    if registered:
        count += sum(1 for _, events in poll.poll(0) if events & select.POLLIN)
    return count


def _not_accepted(listener: socket.socket) -> int:
    if not sys.platform.startswith("linux") or listener.family == socket.AF_UNIX:
        return 0
    try:
        info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_UNACKED.size)
        return int(_TCP_INFO_UNACKED.unpack(info)[0])
    except (OSError, struct.error):
        return 0
