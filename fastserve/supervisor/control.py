"""What does an operator ask of the supervisor, while it runs?

A UNIX socket that only its owner may connect to. A client sends one line, a JSON object such as
`{"do": "scale", "count": 4}`, and gets one line back: what it asked for, or `{"error": "..."}`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fastserve.sockets import bind_unix
from fastserve.supervisor.desk import Desk, Forget, Watch

__all__ = ["Control"]

_MODE = "600"


class Control:
    """Listens on a path until `close()`. Raises StartupError.

    `answer` is given what a client sent, and returns what it gets, or None and calls its other argument with
    that later.
    """

    def __init__(
        self,
        path: str,
        answer: Callable[[dict[str, Any], Callable[[dict[str, Any]], None]], dict[str, Any] | None],
        watch: Watch,
        forget: Forget,
    ) -> None:
        self._answer = answer
        self._binding = bind_unix(path, _MODE, None, None)
        self._desk = Desk(self._binding.sockets, self._answered, watch, forget)

    def close(self) -> None:
        self._desk.close()
        self._binding.close()

    def _answered(self, line: bytes, later: Callable[[bytes], None]) -> bytes | None:
        if not line.endswith(b"\n"):
            return None
        answer = self._judged(line, lambda answer: later(_line(answer)))
        return None if answer is None else _line(answer)

    def _judged(self, line: bytes, later: Callable[[dict[str, Any]], None]) -> dict[str, Any] | None:
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            return {"error": "That is no JSON object."}
        return self._answer(request, later)


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"
