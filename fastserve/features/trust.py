"""Which peers are believed?

`TrustedPeers` is made from the text of `--forwarded-allow-ips`: addresses, networks, `unix:` for whoever
comes through a UNIX socket, `unix:PATH` for whoever comes through that one, `*` for everybody.
"""

from __future__ import annotations

import socket

__all__ = ["Address", "TrustedPeers", "address_of"]

#: Bits of the address (32 or 128) and its value: one for all the ways to spell it.
Address = tuple[int, int]

_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291, 2.5.5.2: how an IPv6 socket shows an IPv4 peer


def address_of(text: str) -> Address | None:
    """Return the address that the text spells, without brackets, port or zone; None if it spells none."""
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)
    except (OSError, ValueError):  # ValueError: NUL, or what is not ASCII
        return None
    if packed[:12] == _MAPPED:
        packed = packed[12:]
    return 8 * len(packed), int.from_bytes(packed, "big")


class TrustedPeers:
    """`rejected` holds the entries that mean nothing; they trust nobody."""

    def __init__(self, allowed: str) -> None:
        self.rejected: list[str] = []
        self._everybody = False
        self._every_path = False
        self._paths: set[str] = set()
        self._addresses: set[Address] = set()
        self._networks: list[tuple[int, int, int]] = []
        for entry in filter(None, map(str.strip, allowed.split(","))):
            if not self._add(entry):
                self.rejected.append(entry)

    def _add(self, entry: str) -> bool:
        if entry == "*":
            self._everybody = True
        elif entry == "unix:":
            self._every_path = True
        elif entry.startswith("unix:"):
            self._paths.add(entry[5:])
        elif "/" in entry:
            return self._add_network(entry)
        else:
            address = address_of(entry)
            if address is not None:
                self._addresses.add(address)
            return address is not None
        return True

    def _add_network(self, entry: str) -> bool:
        import ipaddress  # few lists have networks, and importing it takes longer than all the rest

        try:
            network = ipaddress.ip_network(entry)
        except ValueError:
            return False
        bits = network.max_prefixlen
        shift = bits - network.prefixlen
        self._networks.append((bits, shift, int(network.network_address) >> shift))
        return True

    def __contains__(self, host: str) -> bool:
        """Whether the host of this address is trusted."""
        if self._everybody:
            return True
        address = address_of(host)
        if address is None:
            return False
        bits, value = address
        return address in self._addresses or any(
            bits == of_network and value >> shift == prefix for of_network, shift, prefix in self._networks
        )

    def trusts(self, client: tuple[str, int] | None, server: tuple[str, int | None] | None) -> bool:
        """Whether the peer of a connection is trusted; one without an address came through a UNIX socket."""
        if client is not None:
            return client[0].partition("%")[0] in self
        return self._everybody or self._every_path or (server is not None and server[0] in self._paths)
