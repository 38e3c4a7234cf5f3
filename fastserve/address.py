"""What does an address name, as people write one?"""

from __future__ import annotations

import re

__all__ = ["parsed"]

#: `[::1]:80`, `127.0.0.1:80`, `localhost`, `*:80`, `:80`.
_TCP = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.%\w]+)\]|(?P<host>[^:\[\]/\s]*))(?::(?P<port>\d{1,5}))?")


def parsed(address: str) -> tuple[str, str]:
    """Return `unix` and a path, `fd` and a number, or `tcp` and `HOST:PORT`, an IPv6 host without brackets.

    A host alone has port 8000; `:PORT` and `*:PORT` are all interfaces. Raises ValueError.
    """
    for prefix in ("unix:", "fd://"):
        if address.startswith(prefix):
            value = address.removeprefix(prefix)
            if value and (prefix == "unix:" or value.isdecimal()):
                return prefix.rstrip(":/"), value
            raise ValueError(f"{address!r} is no address")
    found = _TCP.fullmatch(address)
    if found is None or int(found["port"] or 0) > 65535:
        raise ValueError(f"{address!r} is no address")
    host = found["six"] or found["host"].removeprefix("*")
    return "tcp", f"{host}:{found['port'] or 8000}"
