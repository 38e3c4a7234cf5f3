"""How is what a client sent spelled in a log?

A log line is one line, whatever a client sent, and shows no terminal a control sequence.
"""

from __future__ import annotations

__all__ = ["escaped"]

_SPELLED = [
    chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02x}" for byte in range(256)
]


def escaped(text: bytes) -> str:
    """Every byte that is no visible ASCII character or space, the quote and the backslash become `\\xHH`."""
    return "".join(map(_SPELLED.__getitem__, text))
