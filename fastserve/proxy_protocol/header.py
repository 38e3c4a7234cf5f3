"""What does a PROXY header say? (The PROXY protocol, versions 1 and 2, of HAProxy's doc/proxy-protocol.txt)

A proxy that passes bytes on without reading them writes such a header before all else, and in it whose
connection this really is. `read` is given what has come so far. What is not exactly right is refused: a
receiver that guesses would let a client speak for a proxy.
"""

from __future__ import annotations

import re
import socket
import struct
from typing import NamedTuple

from fastserve.proxy_protocol.checksum import crc32c

__all__ = ["BadHeader", "Ends", "begins", "read"]

#: `(host, port)`, `(path, None)` of a UNIX socket, or None.
Address = tuple[str, int] | tuple[str, None] | None

_TEXT = b"PROXY "
_TEXT_BYTES_MAX = 107  # section 2.1: with its CRLF
_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP(?P<version>[46]) (?P<client>[\w.:]+) (?P<server>[\w.:]+)"
    rb" (?P<client_port>0|[1-9]\d{0,4}) (?P<server_port>0|[1-9]\d{0,4}))\r\n"
)

_BINARY = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = struct.Struct("!12sBBH")
_LOCAL, _PROXY = 0, 1
_UNSPECIFIED, _INET, _INET6, _UNIX = 0, 1, 2, 3
_STREAM = 1
_PATH_BYTES = 108
#: Of each family: the addresses' and ports' layout.
_LAYOUTS = {
    _INET: struct.Struct("!4s4sHH"),
    _INET6: struct.Struct("!16s16sHH"),
    _UNIX: struct.Struct(f"!{_PATH_BYTES}s{_PATH_BYTES}s"),
}
_FAMILIES = {_INET: socket.AF_INET, _INET6: socket.AF_INET6}
_TLV = struct.Struct("!BH")
_CRC32C = struct.Struct("!I")
_TLV_CRC32C = 0x03  # section 2.2.3
_TLV_SSL = 0x20  # section 2.2.6
_CLIENT_SSL = 0x01


class BadHeader(Exception):
    """This is no PROXY header, or one that cannot be understood; its text says why."""


class Ends(NamedTuple):
    """Whose connection it is: the client, where it connected to, and whether it spoke TLS to the proxy."""

    client: tuple[str, int] | None
    server: Address
    secure: bool


def begins(data: bytes | bytearray) -> bool:
    """Whether these first bytes look like a header."""
    return data.startswith((_TEXT, _BINARY))


def read(data: bytes | bytearray, bytes_max: int) -> tuple[int, Ends | None] | None:
    """Return how many of these bytes the header is, and what it says; None if more of them have to come.

    It may say that the proxy speaks for itself: then there are no ends. Raises BadHeader, at the first byte
    that tells, and for a header of more than `bytes_max` bytes.
    """
    if data.startswith(_TEXT[: len(data)]):
        return _read_text(data)
    if data.startswith(_BINARY[: len(data)]):
        return _read_binary(data, bytes_max)
    raise BadHeader("it does not begin with one")


def _read_text(data: bytes | bytearray) -> tuple[int, Ends | None] | None:
    """Section 2.1: one line, `PROXY TCP4 192.0.2.1 192.0.2.2 4711 80`."""
    size = data.find(b"\n", 0, _TEXT_BYTES_MAX) + 1
    if size == 0:
        if len(data) >= _TEXT_BYTES_MAX:
            raise BadHeader(f"its line is longer than {_TEXT_BYTES_MAX} bytes")
        return None
    line = _LINE.fullmatch(data, 0, size)
    if line is None:
        raise BadHeader("its line is not of the form of version 1")
    if line["version"] is None:
        return size, None
    family = socket.AF_INET if line["version"] == b"4" else socket.AF_INET6
    client = _address(family, line["client"], line["client_port"])
    return size, Ends(client, _address(family, line["server"], line["server_port"]), False)


def _address(family: socket.AddressFamily, host: bytes, port: bytes) -> tuple[str, int]:
    try:
        packed = socket.inet_pton(family, host.decode("ascii"))
    except OSError:
        raise BadHeader("an address is none") from None
    if int(port) > 65535:
        raise BadHeader("a port is none")
    return socket.inet_ntop(family, packed), int(port)


def _read_binary(data: bytes | bytearray, bytes_max: int) -> tuple[int, Ends | None] | None:
    """Section 2.2: sixteen bytes, of which the last two say how many follow."""
    if len(data) < _FIXED.size:
        return None
    _, version_and_command, family_and_kind, length = _FIXED.unpack_from(data)
    version, command = divmod(version_and_command, 16)
    if version != 2:
        raise BadHeader(f"its version is {version}")
    if command not in (_LOCAL, _PROXY):
        raise BadHeader(f"its command is {command}")
    size = _FIXED.size + length
    if size > bytes_max:
        raise BadHeader(f"it is longer than {bytes_max} bytes")
    if len(data) < size:
        return None
    family, kind = divmod(family_and_kind, 16)
    if command == _LOCAL or family == _UNSPECIFIED:
        return size, None
    layout = _LAYOUTS.get(family)
    if layout is None or kind != _STREAM:
        raise BadHeader(f"a connection of family {family} and kind {kind} is none of ours")
    if length < layout.size:
        raise BadHeader("its addresses are cut off")
    fields = layout.unpack_from(data, _FIXED.size)
    secure = _was_encrypted(memoryview(data)[:size], _FIXED.size + layout.size)
    if family == _UNIX:
        path = fields[1].rstrip(b"\0").decode("utf-8", "surrogateescape")
        return size, Ends(None, (path, None), secure)
    client, server, client_port, server_port = fields
    name = _FAMILIES[family]
    return size, Ends(
        (socket.inet_ntop(name, client), client_port), (socket.inet_ntop(name, server), server_port), secure
    )


def _was_encrypted(header: memoryview, begin: int) -> bool:
    """What the type-length-value fields from there on say about TLS, if the header is what was sent.

    Fields of other kinds mean nothing here, but each has to be whole.
    """
    secure = False
    while begin < len(header):
        value = begin + _TLV.size
        if value > len(header):
            raise BadHeader("its last field is cut off")
        kind, length = _TLV.unpack_from(header, begin)
        begin = value + length
        if begin > len(header):
            raise BadHeader("its last field is cut off")
        if kind == _TLV_SSL and length > 0:
            secure = bool(header[value] & _CLIENT_SSL)
        elif kind == _TLV_CRC32C:
            _judge_checksum(header, value, length)
    return secure


def _judge_checksum(header: memoryview, at: int, length: int) -> None:
    """The checksum was made of the whole header, with zeros in its place."""
    if length != _CRC32C.size:
        raise BadHeader(f"its checksum has {length} bytes")
    (told,) = _CRC32C.unpack_from(header, at)
    if told != crc32c(bytes(header[:at]) + bytes(length) + bytes(header[at + length :])):
        raise BadHeader("its checksum is wrong")
