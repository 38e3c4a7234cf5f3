"""May this head be served, and how is its message framed?

`judge` reads a whole head, byte for byte as it came, and refuses everything about which two servers could
disagree: where the request ends, whom it is for, what it says. It was written from RFC 9112 (3: request line
and target, 5: field lines, 6: framing, 9: connections) and RFC 9110 (5: fields, 7.2: Host, 10.1.1: Expect),
and shares nothing with csrc/rules.c, whose verdicts it judges in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["METHODS", "BadMessage", "Head", "check_trailer_name", "judge", "status_of_method"]

#: IANA's registry of methods, as far as it is about serving resources; CONNECT and PRI to be refused.
METHODS = frozenset(
    b"ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL "
    b"MOVE NOTIFY OPTIONS PATCH POST PRI PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE "
    b"SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)

_EMPTY_LINES = re.compile(rb"(?:\r\n)*")
_NO_VERSION = re.compile(  # as in HTTP/0.9
    rb"[\r\n]*(?:[^ \r\n]+ +(?:(?:[/*]|[A-Za-z]+://)[^ \r\n]*)?|CONNECT +[!-~]*)[\r\n]"
)
_VERSION = re.compile(rb"/([0-9]\.[0-9])\Z")
_REQUEST_LINE = re.compile(rb"([^ \r\n]+) ([^ \r\n]*) HTTP/1\.([01])")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # token: RFC 9110, 5.6.2
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, 5.5, with obs-text
_TARGET = re.compile(rb"[\x21\x22\x24-\x7e]+")  # visible, and no "#", which begins a fragment
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?]*)(.*)")
#: uri-host [":" port] (RFC 3986, 3.2.2): an IP literal in brackets, or a registered name, which may be empty.
_AUTHORITY = re.compile(rb"(?:\[[0-9A-Za-z:.%]+\]|[0-9A-Za-z\-._~%!$&'()*+,;=]*)(?::[0-9]*)?")
#: White space (RFC 9110, 5.6.3) that llhttp takes for a part of the coding: what one parser refuses, all do.
_CHUNKED_AND_TAB = re.compile(rb"(?i:[ \t]*chunked *\t[ \t]*)")
_LENGTH = re.compile(rb"[0-9]{1,18}")  # eighteen digits fit a signed number of 64 bits
#: A trailer section cannot change where the message ends, or whom it is for (RFC 9110, 6.5.1).
_NOT_IN_TRAILERS = frozenset((b"content-length", b"transfer-encoding", b"host"))
_TOKEN_ONCE = frozenset((b"host", b"content-length", b"transfer-encoding", b"expect"))


class BadMessage(Exception):
    """These bytes are no message that is served: the status to answer with, and the reason for the log."""

    def __init__(self, status: int, reason: str, excerpt: bytes = b"") -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.excerpt = excerpt


@dataclass
class Head:
    """What a head says, once it has been judged. `fields` are as they came, but for white space around them.

    `authority` is that of a target in absolute form, which stands for Host (RFC 9112, 3.2.2).
    `content_length` is None where there is no such field. `unknown_expectation` is to be answered by 417.
    """

    method: bytes
    path: bytes
    query: bytes
    authority: bytes
    minor: int
    fields: list[tuple[bytes, bytes]]
    content_length: int | None
    chunked: bool
    keep_alive: bool
    expects_continue: bool
    unknown_expectation: bool
    upgrade: bool

    @property
    def has_body(self) -> bool:
        return self.chunked or bool(self.content_length)


def judge(raw: bytes) -> Head:
    """Judge a whole head, from the first byte of its message to its empty line. Raises BadMessage."""
    start = _EMPTY_LINES.match(raw).end()  # type: ignore[union-attr]  # it matches nothing, too
    request_line, *lines = raw[start:].removesuffix(b"\r\n\r\n").split(b"\r\n")
    version = _VERSION.search(request_line)
    if _NO_VERSION.match(raw) or (version is not None and version[1] not in (b"1.0", b"1.1")):
        raise BadMessage(505, "unsupported HTTP version")
    match = _REQUEST_LINE.fullmatch(request_line)
    if match is None:
        raise BadMessage(400, "invalid request line")
    method, target, minor = match[1], match[2], int(match[3])
    if method == b"PRI":
        raise BadMessage(505, "the preface of HTTP/2")  # RFC 9113, 3.4
    if method not in METHODS:
        raise BadMessage(501, "unknown method")
    path, query, authority = _split_target(method, target)
    fields = [_field(line) for line in lines]
    once = _fields_that_come_once(fields)
    _check_host(once.get(b"host"), minor)
    chunked = _is_chunked(once.get(b"transfer-encoding"), b"content-length" in once, minor)
    length = _content_length(once.get(b"content-length"))
    expect = once.get(b"expect") if minor == 1 else None  # RFC 9110, 10.1.1: a 1.0 client's is ignored
    options = set(_tokens(fields, b"connection"))
    return Head(
        method=method,
        path=path,
        query=query,
        authority=authority,
        minor=minor,
        fields=fields,
        content_length=length,
        chunked=chunked,
        keep_alive=b"close" not in options and (minor == 1 or b"keep-alive" in options),  # RFC 9112, 9.3
        expects_continue=expect is not None and expect.lower() == b"100-continue",
        unknown_expectation=expect is not None and expect.lower() != b"100-continue",
        upgrade=minor == 1 and b"upgrade" in options and any(n.lower() == b"upgrade" for n, _ in fields),
    )


def check_trailer_name(name: bytes) -> None:
    """Raises BadMessage for a field that a trailer section must not have."""
    if name.lower() in _NOT_IN_TRAILERS:
        raise BadMessage(400, "forbidden field in the trailer section")


def status_of_method(stranger: bytes) -> int:
    """The status of a word that begins like no known method; `stranger` is its first byte that fits none.

    501 for what may be a method that the server does not know (RFC 9110, 15.6.2), 400 for what is none by its
    looks. By that byte alone, since the answer may not depend on how much of the word has come.
    """
    return 501 if re.fullmatch(rb"[A-Z\-]", stranger) else 400


def _split_target(method: bytes, target: bytes) -> tuple[bytes, bytes, bytes]:
    """Return path, query and authority of a request target (RFC 9112, 3.2)."""
    if method == b"CONNECT":
        raise BadMessage(501, "CONNECT is not supported")
    if not _TARGET.fullmatch(target):
        raise BadMessage(400, "invalid character in the request target")
    authority = b""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is not None:
        authority, target = absolute[1], absolute[2]
        # RFC 9110, 4.2.1: a URI without a host is invalid.
        if authority[:1] in (b"", b":") or not _AUTHORITY.fullmatch(authority):
            raise BadMessage(400, "invalid authority in the request target")
    elif not target.startswith(b"/") and (method, target) != (b"OPTIONS", b"*"):
        raise BadMessage(400, "invalid request target")
    path, _, query = target.partition(b"?")
    return path or b"/", query, authority  # RFC 9110, 4.2.3: an empty path is the root


def _field(line: bytes) -> tuple[bytes, bytes]:
    if line[:1] in (b" ", b"\t"):
        raise BadMessage(400, "folded header line")  # RFC 9112, 5.2
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name):
        raise BadMessage(400, "invalid field name")
    if not _VALUE.fullmatch(value):
        raise BadMessage(400, "control character in a field value")
    if _CHUNKED_AND_TAB.fullmatch(value) and name.lower() == b"transfer-encoding":
        raise BadMessage(400, "invalid Transfer-Encoding")
    return name, value.strip(b" \t")


def _fields_that_come_once(fields: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The fields that frame or address a message, which a list of two would make ambiguous."""
    once: dict[bytes, bytes] = {}
    for name, value in fields:
        lowered = name.lower()
        if lowered in _TOKEN_ONCE:
            if lowered in once:
                raise BadMessage(400, f"more than one {lowered.decode('ascii').title()}")
            once[lowered] = value
    return once


def _tokens(fields: list[tuple[bytes, bytes]], name: bytes) -> Iterator[bytes]:
    """The elements of a list that may be spread over several lines (RFC 9110, 5.3)."""
    for field, value in fields:
        if field.lower() == name:
            yield from (token.strip(b" \t").lower() for token in value.split(b","))


def _check_host(host: bytes | None, minor: int) -> None:
    """RFC 9112, 3.2"""
    if host is None:
        if minor == 1:
            raise BadMessage(400, "no Host")
    elif not _AUTHORITY.fullmatch(host):
        raise BadMessage(400, "invalid Host")


def _is_chunked(coding: bytes | None, has_length: bool, minor: int) -> bool:
    """RFC 9112, 6.1: chunked is the one coding served, alone and once."""
    if coding is None:
        return False
    if has_length:
        raise BadMessage(400, "Transfer-Encoding with Content-Length")
    if minor == 0:
        raise BadMessage(400, "Transfer-Encoding in HTTP/1.0")
    if coding.lower() == b"chunked":
        return True
    if not coding or b"," in coding:
        raise BadMessage(400, "invalid Transfer-Encoding")
    raise BadMessage(501, "unsupported transfer coding")


def _content_length(value: bytes | None) -> int | None:
    """RFC 9112, 6.2"""
    if value is None:
        return None
    if not _LENGTH.fullmatch(value):
        raise BadMessage(400, "invalid Content-Length")
    return int(value)
