"""What did the application see of one request?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

BODY_KEPT_MAX = 4096
"""Bytes of a request's body that the record keeps; `body_length` counts them all."""


@dataclass
class Seen:
    """One request as the application met it. Bytes are latin-1 text, so that the record travels as JSON."""

    type: str = "http"
    method: str = ""
    path: str = ""
    raw_path: str = ""
    query_string: str = ""
    http_version: str = ""
    scheme: str = ""
    root_path: str = ""
    client: str = ""
    """The host; the port is another for each connection."""
    headers: list[list[str]] = field(default_factory=list)
    body: str = ""
    body_length: int = 0
    complete: bool = False
    """The application received the last piece of the body."""
    disconnected: bool = False
    """The application received `http.disconnect`."""
    finished: bool = False
    """The application's coroutine has ended, in whatever way."""
    cancelled: bool = False
    error: str = ""
    """The class of the exception that a call of `send` raised, and whether it is an OSError."""
    context_leaked: bool = False
    """A context variable that an earlier request set was visible at the start of this one."""
    marks: list[str] = field(default_factory=list)

    def header(self, name: str) -> list[str]:
        """All values of this field, in order; `name` in lower case."""
        return [value for key, value in self.headers if key == name]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)
