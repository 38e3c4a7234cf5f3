"""How is what a client sent spelled in a log?

A log line is one line, whatever a client sent, and shows no terminal a control sequence.
"""

from __future__ import annotations

import logging

from fastserve.reference.seam import Request

__all__ = ["complain", "escaped"]

logger = logging.getLogger("fastserve.error")

_SPELLED = [
    chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02x}" for byte in range(256)
]


def escaped(text: bytes) -> str:
    """Every byte that is no visible ASCII character or space, the quote and the backslash become `\\xHH`."""
    return "".join(map(_SPELLED.__getitem__, text))


def complain(request: Request, message: str, *values: object, exc_info: BaseException | None = None) -> None:
    """A line in the error log that names the route, and the request where it has a name."""
    path = request.path.encode("unicode_escape").decode("ascii")
    name = "" if request.request_id is None else f", request {request.request_id}"
    logger.error(message + " (%s %s%s)", *values, request.method, path, name, exc_info=exc_info)
