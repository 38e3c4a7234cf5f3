"""Where did a request begin, by what its proxies wrote?

Each proxy on the way appends what it saw, so lists are read from their right end, where our own peer wrote:
past every hop that is trusted, to the first one that is not. What stands to the left of that one was written
by somebody who is not believed, and is never looked at. Reading also stops at what is no address: the last
hop that was understood counts.

X-Forwarded-Proto, -Host and -Port say something about the hop at their distance from the right end; a proxy
that replaces them instead of appending leaves one value, which then stands for all hops. In `Forwarded`
(RFC 7239) what belongs to a hop stands in one element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from fastserve.features.trust import TrustedPeers, address_of

__all__ = ["Fields", "Node", "Origin", "origin_of", "parse_node"]

#: Hops that are looked at: beyond any chain of proxies, and a bound on the work that a header can cause.
HOPS_MAX = 64

Node = tuple[str, int]  # host and port, 0 where none is told

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_DEFAULT_PORTS = {"http": 80, "https": 443}
#: RFC 3986, 3.2: a registered name or IPv4 address, or an IPv6 address in brackets; then perhaps a port.
_HOST = re.compile(r"([A-Za-z0-9._~!$&'()*+=%-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
#: RFC 7239, 4, but for nodes without the quotes that they need there, which many proxies leave out.
_PAIR = re.compile(r'([\w!#$%&\'*+.^`|~-]+)=(?:([\w!#$%&\'*+.^`|~:\[\]/-]+)|"((?:[^"\\]|\\.)*)")', re.ASCII)


class Fields(NamedTuple):
    """What a request has of each header that is read: the values of its lines, joined by commas; or None."""

    forwarded_for: bytes | None = None
    proto: bytes | None = None
    host: bytes | None = None
    port: bytes | None = None
    forwarded: bytes | None = None


class Origin(NamedTuple):
    """How a request began; None for what is not told. `authority` is the value of its Host header."""

    client: Node | None
    scheme: str | None
    authority: bytes | None
    server: tuple[str, int] | None
    server_port: int | None


def origin_of(fields: Fields, scheme: str, trusted: TrustedPeers) -> Origin:
    """Return what a trusted peer's headers tell; `scheme` is the connection's own.

    A `Forwarded` that is read stands alone: the others are then an older proxy's, or the client's.
    """
    if fields.forwarded is not None:
        return _of_forwarded(fields.forwarded, scheme, trusted)
    client, hop = None, 0
    if fields.forwarded_for is not None:
        client, hop = _walk(map(parse_node, _from_the_right(fields.forwarded_for)), trusted)
    return _origin(client, _at(fields.proto, hop), _at(fields.host, hop), _at(fields.port, hop), scheme)


def parse_node(text: str) -> Node | None:
    """Return host and port of `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or
    `[2001:db8::1]:80`.

    None for everything else: names, `unknown` and `_hidden` (RFC 7239, 6) lead nowhere. A port that is hidden
    (`:_p`, RFC 7239, 6.3) is 0.
    """
    port = ""
    has_port = False
    if text.startswith("["):
        text, bracket, rest = text[1:].partition("]")
        if not bracket or ":" not in text or rest[:1] not in ("", ":"):
            return None
        has_port, port = rest != "", rest[1:]
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        has_port = True
    if address_of(text) is None:
        return None
    if not has_port or port.startswith("_"):
        return text, 0
    number = _port(port)
    return None if number is None else (text, number)


def _port(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 5) or int(text) > 65535:
        return None
    return int(text)


def _from_the_right(value: bytes) -> Iterator[str]:
    """The elements of a list, the last one first; empty ones count for nothing (RFC 9110, 5.6.1)."""
    elements = value.decode("latin-1").rsplit(",", HOPS_MAX)
    for element in reversed(elements[-HOPS_MAX:]):
        element = element.strip(" \t")
        if element:
            yield element


def _walk(nodes: Iterator[Node | None], trusted: TrustedPeers) -> tuple[Node | None, int]:
    """Return the first hop that is not trusted, or else the last one understood, and its distance."""
    client, hop = None, 0
    for distance, node in enumerate(nodes):
        if node is None:
            break
        client, hop = node, distance
        if node[0] not in trusted:
            break
    return client, hop


def _at(value: bytes | None, hop: int) -> str | None:
    """The element at this distance from the right end, or the nearest."""
    found = None
    if value is not None:
        for distance, element in enumerate(_from_the_right(value)):
            found = element
            if distance == hop:
                break
    return found


def _of_forwarded(value: bytes, scheme: str, trusted: TrustedPeers) -> Origin:
    elements: list[dict[str, str]] = []

    def nodes() -> Iterator[Node | None]:
        for text in _from_the_right(value):
            pairs = _pairs(text)
            if pairs is None:
                return
            elements.append(pairs)
            yield parse_node(pairs.get("for", ""))

    client, hop = _walk(nodes(), trusted)
    said = elements[hop] if elements else {}
    return _origin(client, said.get("proto"), said.get("host"), None, scheme)


def _pairs(element: str) -> dict[str, str] | None:
    """Return a forwarded-element's parameters, names in lower case; None if it is malformed.

    Commas and semicolons are taken for separators within quotes too: no parameter that is read has any in
    its value, and so an open quote of a client's cannot swallow what the proxies appended.
    """
    pairs: dict[str, str] = {}
    for text in element.split(";"):
        text = text.strip(" \t")
        match = _PAIR.fullmatch(text)
        if match is None:
            if text:
                return None
            continue
        name, plain, quoted = match.groups()
        if name.lower() in pairs:
            return None
        pairs[name.lower()] = plain if plain is not None else re.sub(r"\\(.)", r"\1", quoted)
    return pairs


def _origin(
    client: Node | None, proto: str | None, host: str | None, port: str | None, own_scheme: str
) -> Origin:
    """Put together what was told of one hop; each part that is garbage counts as not told."""
    scheme = _SCHEMES.get(proto.lower()) if proto else None
    server_port = _port(port) if port else None
    authority = _authority(host) if host else None
    if authority is None:
        return Origin(client, scheme, None, None, server_port or None)
    name, number = authority
    default = _DEFAULT_PORTS[scheme or own_scheme]
    if number is None:
        number = server_port or default
        host = name if number == default else f"{name}:{number}"
    assert host is not None
    return Origin(client, scheme, host.encode(), (name.strip("[]"), number), None)


def _authority(text: str) -> tuple[str, int | None] | None:
    """Return name, in brackets if it is an IPv6 address, and port; None for what no Host header may hold."""
    match = _HOST.fullmatch(text)
    if match is None:
        return None
    name, port = match.groups()
    if name.startswith("[") and (":" not in name or address_of(name[1:-1]) is None):
        return None
    if port is None:
        return name, None
    number = _port(port)
    return (name, number) if number else None
