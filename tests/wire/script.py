"""What shall the application do?

A test describes the application's conduct as a list of steps and puts it into the request's target:

    GET /script/<steps> HTTP/1.1

`app.py` carries the steps out, one after the other. So the whole case, bytes and application, reads in one
place. A step is a JSON list: its name, then its arguments. Bytes travel as latin-1 text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

Step = list[Any]
Header = tuple[bytes | str, bytes | str]

PREFIX = "/script/"


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def start(status: int = 200, *headers: Header) -> Step:
    """Send `http.response.start`."""
    return ["start", status, [[_text(name), _text(value)] for name, value in headers]]


def body(data: bytes = b"", more: bool = False) -> Step:
    """Send one `http.response.body`."""
    return ["body", _text(data), more]


def fill(size: int, times: int = 1, more: bool = False) -> Step:
    """Send `times` bodies of `size` bytes each (`x`); `more` is the last one's `more_body`."""
    return ["fill", size, times, more]


def message(event: dict[str, Any]) -> Step:
    """Send this message as it stands, whatever it is."""
    return ["message", event]


def read() -> Step:
    """Receive until the body is complete or the client is gone."""
    return ["read"]


def receive() -> Step:
    """Receive once."""
    return ["receive"]


def wait(gate: str) -> Step:
    """Wait until a test opens the gate: `Control.open_gate(gate)`."""
    return ["wait", gate]


def wait_disconnect() -> Step:
    """Receive until `http.disconnect`."""
    return ["wait_disconnect"]


def mark(name: str) -> Step:
    """Add `name` to the record of this request, to show that the application came so far."""
    return ["mark", name]


def fail() -> Step:
    """Raise RuntimeError."""
    return ["fail"]


def answer(data: bytes = b"ok", status: int = 200) -> list[Step]:
    """A whole answer with its Content-Length."""
    return [start(status, ("content-length", str(len(data)))), body(data)]


def script(*steps: Step | Iterable[Step]) -> str:
    """The target that carries these steps; lists of steps are laid out flat."""
    flat: list[Step] = []
    for step in steps:
        entries = list(step)
        if entries and isinstance(entries[0], str):
            flat.append(entries)
        else:
            flat.extend(entries)
    encoded = base64.urlsafe_b64encode(json.dumps(flat, separators=(",", ":")).encode())
    return PREFIX + encoded.decode().rstrip("=")


def steps_of(path: str) -> list[Step]:
    """The steps that this path carries; none if it carries none."""
    if not path.startswith(PREFIX):
        return []
    encoded = path[len(PREFIX) :].split("/", 1)[0]
    steps: list[Step] = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return steps
