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

    `answer` is given what a client sent, and returns what it gets.
    """

    def __init__(
        self, path: str, answer: Callable[[dict[str, Any]], dict[str, Any]], watch: Watch, forget: Forget
    ) -> None:
        self._answer = answer
        self._binding = bind_unix(path, _MODE, None, None)
        self._desk = Desk(self._binding.sockets, self._answered, watch, forget)

    def close(self) -> None:
        self._desk.close()
        self._binding.close()

    def _answered(self, line: bytes) -> bytes | None:
        if not line.endswith(b"\n"):
            return None
        return json.dumps(self._judged(line)).encode() + b"\n"

    def _judged(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            return {"error": "That is no JSON object."}
        return self._answer(request)
