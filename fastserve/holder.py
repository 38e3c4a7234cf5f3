"""Which process holds an address that is taken?

Linux tells it: /proc/net/ lists the listening sockets by inode, /proc/PID/fd/ which process has which. The
descriptors of other users' processes are seen by root only. Elsewhere nobody tells.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import socket
import sys
from typing import Any

__all__ = ["told_with_holder"]

_LISTEN = "0A"  # TCP_LISTEN, in the column "st"
_TABLES = {socket.AF_INET: "tcp", socket.AF_INET6: "tcp6"}


def told_with_holder(error: OSError, family: int, address: Any) -> OSError:
    """Return the error of a socket that could not have this address, with who has it, if that can be told.

    `address` is as the `socket` module has it. The text becomes `Address already in use by process 4711
    (nginx)`.
    """
    if error.errno != errno.EADDRINUSE:
        return error
    inodes = _inodes_of_path(address) if isinstance(address, str) else _inodes_of_port(family, *address[:2])
    holder = _process_with(inodes)
    return error if holder is None else OSError(error.errno, f"{os.strerror(error.errno)} by {holder}")


def _inodes_of_port(family: int, host: str, port: int) -> set[str]:
    inodes = set()
    for table_family, table in _TABLES.items():
        for line in _lines(table):
            fields = line.split()
            if len(fields) < 10 or fields[3] != _LISTEN:
                continue
            address, _, port_hex = fields[1].partition(":")
            if int(port_hex, 16) == port and _collide(family, host, table_family, _unpacked(address)):
                inodes.add(fields[9])
    return inodes


def _inodes_of_path(path: str) -> set[str]:
    found = (line.split(maxsplit=7) for line in _lines("unix"))
    paths = (path, os.path.abspath(path))
    return {fields[6] for fields in found if len(fields) == 8 and fields[7] in paths}


def _lines(table: str) -> list[str]:
    try:
        with open(f"/proc/net/{table}", encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()[1:]
    except OSError:
        return []


def _unpacked(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address of these tables: words of 32 bits, in hexadecimal, each in the machine's order."""
    words = bytes.fromhex(address)
    if sys.byteorder == "little":
        words = b"".join(words[at : at + 4][::-1] for at in range(0, len(words), 4))
    return ipaddress.ip_address(words)


def _collide(
    family: int, host: str, other_family: int, other: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> bool:
    """Whether `host` could not be bound because of `other`: the same one, or a wildcard on either side."""
    try:
        mine = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if family == other_family:
        return mine == other or mine.is_unspecified or other.is_unspecified
    # A wildcard of IPv6 may stand for IPv4 too.
    return other_family == socket.AF_INET6 and other.is_unspecified


def _process_with(inodes: set[str]) -> str | None:
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    # The oldest first: of a server and those that it has started, the server.
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()):
        try:
            if any(os.readlink(entry.path) in wanted for entry in os.scandir(f"/proc/{pid}/fd")):
                return f"process {pid} ({_name(pid)})"
        except OSError:  # of another user, or gone
            continue
    return None


def _name(pid: int) -> str:
    """Return how `ps` calls it; the program's name alone, as words of a command line may be secret."""
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
        return re.sub(r"[^\x20-\x7e]", "?", file.read().rstrip("\n"))
