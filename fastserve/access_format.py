"""How does a request look in a line of the user's own choice?

Formats have a name (`combined`, `json`) or are written as gunicorn's are: `%(h)s "%(r)s" %(s)s %(D)s`.
Whatever a client has sent is escaped as in the default format, so that a line stays one line.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["FORMATS", "Answered", "access_format"]

COMBINED = '%(h)s - %(u)s %(t)s "%(r)s" %(s)s %(B)s "%(f)s" "%(a)s"'


class Request(Protocol):
    """What a line tells of a request; see `fastserve.stream.request`."""

    @property
    def method(self) -> str: ...
    @property
    def raw_path(self) -> bytes: ...
    @property
    def query_string(self) -> bytes: ...
    @property
    def http_version(self) -> str: ...
    @property
    def scheme(self) -> str: ...
    @property
    def headers(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def client(self) -> tuple[str, int] | None: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def traceparent(self) -> str | None: ...


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class Answered:
    """A request whose answer has ended. Times in seconds; `first_byte_s` is None if no byte went out.

    `held_s` is how long it held the event loop, as far as the watch has told of it, or else 0; `prefix` is
    what a proxy took off the path. `close_code` is that of a WebSocket, which was answered by 101: it is told
    of when it has ended, and its duration and bytes are those of all of it.
    """

    request: Request
    status: int
    bytes_sent: int
    bytes_received: int
    duration_s: float
    first_byte_s: float | None = None
    held_s: float = 0.0
    prefix: bytes = b""
    close_code: int | None = None

    def header(self, name: bytes) -> str:
        """The first field of that name, in lower case; "-" if there is none."""
        return next((_shown(value) for field, value in self.request.headers if field == name), "-")

    @property
    def target(self) -> str:
        query = self.request.query_string
        return self.path + ("?" + _shown(query) if query else "")

    @property
    def path(self) -> str:
        return _shown(self.prefix + self.request.raw_path)

    @property
    def user(self) -> str:
        """The name in HTTP's basic authentication (RFC 7617), which nobody has checked; "-" without it."""
        kind, _, credentials = self.header(b"authorization").partition(" ")
        if kind.lower() != "basic":
            return "-"
        try:
            name = base64.b64decode(credentials.strip(), validate=True).partition(b":")[0]
        except (binascii.Error, ValueError):
            return "-"
        return _shown(name) or "-"


def _shown(text: bytes) -> str:
    return re.sub(rb"[^ !#-\[\]-~]", lambda found: b"\\x%02x" % found[0][0], text).decode("ascii")


def _or_dash(value: object) -> str:
    return "-" if value is None else str(value)


def _client(answered: Answered) -> str:
    return answered.request.client[0] if answered.request.client else "-"


def _line(answered: Answered) -> str:
    return f"{answered.request.method} {answered.target} HTTP/{answered.request.http_version}"


def _first_byte(answered: Answered) -> str:
    return "-" if answered.first_byte_s is None else f"{answered.first_byte_s:.6f}"


def _trace(answered: Answered) -> str | None:
    parent = answered.request.traceparent
    return parent.split("-")[1] if parent else None


#: The names that a format may have; one letter: gunicorn's.
_ATOMS: Mapping[str, Callable[[Answered], str]] = {
    "h": _client,
    "l": lambda answered: "-",
    "u": lambda answered: answered.user,
    "t": lambda answered: time.strftime("[%d/%b/%Y:%H:%M:%S %z]"),
    "r": _line,
    "m": lambda answered: answered.request.method,
    "U": lambda answered: answered.path,
    "q": lambda answered: _shown(answered.request.query_string),
    "H": lambda answered: f"HTTP/{answered.request.http_version}",
    "s": lambda answered: str(answered.status),
    "B": lambda answered: str(answered.bytes_sent),
    "b": lambda answered: str(answered.bytes_sent) if answered.bytes_sent else "-",
    "f": lambda answered: answered.header(b"referer"),
    "a": lambda answered: answered.header(b"user-agent"),
    "T": lambda answered: str(int(answered.duration_s)),
    "M": lambda answered: str(int(answered.duration_s * 1e3)),
    "D": lambda answered: str(int(answered.duration_s * 1e6)),
    "L": lambda answered: f"{answered.duration_s:.6f}",
    "p": lambda answered: f"<{os.getpid()}>",
    "received": lambda answered: str(answered.bytes_received),
    "first_byte": _first_byte,
    "scheme": lambda answered: answered.request.scheme,
    "request_id": lambda answered: _or_dash(answered.request.request_id),
    "trace_id": lambda answered: _or_dash(_trace(answered)),
    "close_code": lambda answered: _or_dash(answered.close_code),
    "blocked_loop_ms": lambda answered: f"{answered.held_s * 1e3:.0f}",
}
_HEADER = re.compile(r"\{([!#$%&'*+.^_`|~0-9A-Za-z-]+)\}i")


class _Values(Mapping[str, str]):
    """The values of a format's names, each made when it is asked for."""

    def __init__(self, answered: Answered) -> None:
        self._answered = answered

    def __getitem__(self, name: str) -> str:
        atom = _ATOMS.get(name)
        if atom is not None:
            return atom(self._answered)
        header = _HEADER.fullmatch(name)
        return self._answered.header(header[1].lower().encode()) if header else name

    def __iter__(self) -> Iterator[str]:
        return iter(_ATOMS)

    def __len__(self) -> int:
        return len(_ATOMS)


class _Known(dict[str, str]):
    """Judges the names of a format."""

    def __missing__(self, name: str) -> str:
        if name in _ATOMS or _HEADER.fullmatch(name):
            return ""
        raise ValueError(f"%({name})s is not known")


def _json(answered: Answered) -> str:
    request = answered.request
    now_s = time.time()
    fields: dict[str, Any] = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_s)) + f".{int(now_s % 1 * 1000):03d}Z",
        "client": request.client[0] if request.client else None,
        "method": request.method,
        "path": answered.path,
        "query": _shown(request.query_string),
        "http_version": request.http_version,
        "scheme": request.scheme,
        "status": answered.status,
        "bytes_sent": answered.bytes_sent,
        "bytes_received": answered.bytes_received,
        "duration_ms": round(answered.duration_s * 1e3, 3),
        "first_byte_ms": None if answered.first_byte_s is None else round(answered.first_byte_s * 1e3, 3),
        "user_agent": answered.header(b"user-agent"),
        "referer": answered.header(b"referer"),
    }
    if request.request_id is not None:
        fields |= {"request_id": request.request_id, "trace_id": _trace(answered)}
    if answered.close_code is not None:
        fields["close_code"] = answered.close_code
    if answered.held_s:
        fields["blocked_loop_ms"] = round(answered.held_s * 1e3)
    return json.dumps(fields, separators=(",", ":"))


#: `uvicorn` is written by `fastserve.features.access_log`, without anything of this file.
FORMATS = ("uvicorn", "combined", "json")


def access_format(text: str) -> Callable[[Answered], str]:
    """Return what makes the line of a request, without its end. Raises ValueError for what is no format.

    `%({name}i)s` is a field of the request.
    """
    if text == "json":
        return _json
    template = COMBINED if text == "combined" else text
    if "%(" not in template:
        raise ValueError(f"{text!r} is not uvicorn, combined, json or a text with %(NAME)s")
    try:
        template % _Known()
    except (TypeError, ValueError) as reason:
        raise ValueError(f"{text!r} is no format of an access log: {reason}") from None
    if "\n" in template or "\r" in template:
        raise ValueError(f"{text!r} has more than one line")
    return lambda answered: template % _Values(answered)
