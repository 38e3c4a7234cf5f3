"""What does a Sec-WebSocket-Extensions field say? (RFC 6455, 9.1)"""

from __future__ import annotations

import re

__all__ = ["parse_extensions"]

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
#: A quoted value has to be a token once unquoted.
_PARAMETER = re.compile(
    rf'[ \t]*;[ \t]*(?P<name>{_TOKEN})(?:[ \t]*=[ \t]*(?:(?P<value>{_TOKEN})|"(?P<quoted>{_TOKEN})"))?'
)
_NAME = re.compile(rf"[ \t]*(?P<name>{_TOKEN})")
_END = re.compile(r"[ \t]*(?:,[ \t,]*|$)")

Extension = tuple[str, list[tuple[str, "str | None"]]]


def parse_extensions(field: bytes) -> list[Extension]:
    """Return the extensions in their order, each with its parameters.

    A field that cannot be read to its end offers what it offers up to there: no extension is ever needed.
    """
    text = field.decode("latin-1")
    found: list[Extension] = []
    start = _END.match(text)  # empty elements are allowed (RFC 9110, 5.6.1)
    at = start.end() if start else 0
    while at < len(text):
        name = _NAME.match(text, at)
        if name is None:
            break
        at = name.end()
        parameters: list[tuple[str, str | None]] = []
        while parameter := _PARAMETER.match(text, at):
            parameters.append((parameter["name"], parameter["value"] or parameter["quoted"]))
            at = parameter.end()
        end = _END.match(text, at)
        if end is None:
            break
        found.append((name["name"], parameters))
        at = end.end()
    return found
