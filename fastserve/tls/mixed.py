"""Which connections of a server are encrypted, if not all are?

A connection is told by the address that it came to. Sockets change while a server runs, and connections are
passed from one process to another; their addresses stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["Mixed"]

#: What `getsockname()` tells, without the flow and the scope of IPv6.
Name = tuple[str, int] | str


class Mixed:
    """The protocol factory of a server that speaks TLS, but not on the sockets of the `plain_names`."""

    def __init__(
        self, encrypted: Callable[[], Any], plain: Callable[[], Any], plain_names: Iterable[Any]
    ) -> None:
        self._encrypted = encrypted
        self._plain = plain
        self._plain_names = {_name(name) for name in plain_names}

    def __call__(self) -> asyncio.Protocol:
        return _Undecided(self)

    def protocol(self, here: Any) -> Any:
        """Return the protocol of a connection that came to this address."""
        return (self._plain if self._is_plain(_name(here)) else self._encrypted)()

    def _is_plain(self, name: Name) -> bool:
        if name in self._plain_names:
            return True
        if isinstance(name, str):
            return False
        # A socket that listens on every interface, which no other one of the same port stands beside.
        return ("::" if ":" in name[0] else "0.0.0.0", name[1]) in self._plain_names


class _Undecided(asyncio.Protocol):
    __slots__ = ("_mixed",)

    def __init__(self, mixed: Mixed) -> None:
        self._mixed = mixed

    def connection_made(self, transport: Any) -> None:
        protocol = self._mixed.protocol(transport.get_extra_info("sockname"))
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def _name(name: Any) -> Name:
    return tuple(name[:2]) if isinstance(name, (tuple, list)) else name
