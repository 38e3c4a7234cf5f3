"""Which byte may come next? (RFC 9112, 2 to 5 and 7.1)

Tables of states for the lines of a message: a head from its request line to its empty line, the line before a
chunk's data, a trailer section. h11 is told nothing that these do not let pass. It is "liberal in what it
accepts" (bare line feeds, folded lines, white space where none may stand), looks at whole lines only, and
would so leave a client that has sent half a line of nonsense waiting for an answer.

A state is a name, and the next byte tells which one follows. What a whole line says is left to `rules.judge`.
"""

from __future__ import annotations

import re

from fastserve.reference.rules import METHODS, BadMessage, status_of_method

__all__ = [
    "CHUNK",
    "DATA_END",
    "END",
    "EXTENSION",
    "FIELD",
    "HEAD",
    "NAME",
    "OF_TARGET",
    "SIZE",
    "SIZED",
    "VALUE",
    "run",
    "step",
]  # fmt: skip

#: Where lines begin: those of a head; a field's, in a head or a trailer section; a chunk's.
HEAD, FIELD, CHUNK = "start", "field first", "size first"
#: Where a head or a trailer section has ended; a chunk's line; and a chunk's data.
END, SIZED, DATA_END = "end", "sized", "data end"
#: What one has to know the place of.
NAME, VALUE, SIZE, EXTENSION = "name", "value", "size", "extension"
OF_TARGET = ("target", "scheme", "scheme :", "scheme :/")

_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VISIBLE = bytes(range(0x21, 0x7F))
_FIELD = b"\t " + _VISIBLE + bytes(range(0x80, 0x100))
_QUOTED = bytes(set(_FIELD) - set(b'"\\'))
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_HEX = b"0123456789ABCDEFabcdef"

#: state → the bytes that may come, and the state behind each of them.
_FOLLOWS: dict[str, list[tuple[bytes, str]]] = {
    # The request line; methods are added below. Empty lines before it, several spaces in it, and a line
    # without a version are for rules.py to refuse, or not: their line ends.
    "start": [(b"\r\n", "start")],
    "target first": [(b" ", "target first"), (b"/*", "target"), (_LETTERS, "scheme")],
    "scheme": [(_LETTERS, "scheme"), (b":", "scheme :")],
    "scheme :": [(b"/", "scheme :/")],
    "scheme :/": [(b"/", "target")],
    "authority": [(b" ", "authority"), (_VISIBLE, "target"), (b"\r", "line cr"), (b"\n", "field first")],
    "target": [(_VISIBLE, "target"), (b" ", "version"), (b"\r", "line cr"), (b"\n", "field first")],
    "version": [(b" ", "version"), (b"H", "version H")],
    "version H": [(b"T", "version HT")],
    "version HT": [(b"T", "version HTT")],
    "version HTT": [(b"P", "version HTTP")],
    "version HTTP": [(b"/", "number")],
    "number": [(b"0", "number 0"), (b"1", "number 1"), (b"2", "number 2"), (b"3456789", "number x")],
    "number 0": [(b".", "number 0.")],
    "number 0.": [(b"9", "number end")],
    "number 1": [(b".", "number 1.")],
    "number 1.": [(b"01", "number end")],
    "number 2": [(b".", "number 2.")],
    "number 2.": [(b"0", "number end")],
    "number x": [(b".", "number x.")],
    "number x.": [],
    "number end": [(b"\r", "line cr")],
    # Field lines
    "line cr": [(b"\n", "field first")],
    "field first": [(_TOKEN, "name"), (b"\r", "end cr")],
    "name": [(_TOKEN, "name"), (b":", "value")],
    "value": [(_FIELD, "value"), (b"\r", "line cr")],
    "end cr": [(b"\n", "end")],
    # The line before a chunk's data, with its extensions
    "size first": [(_HEX, "size")],
    "size": [(_HEX, "size"), (b";", "extension"), (b"\r", "size cr")],
    "extension": [(_TOKEN, "extension name"), (b";", "extension"), (b"=", "extension value")],
    "extension name": [
        (_TOKEN, "extension name"), (b";", "extension"), (b"=", "extension value"), (b"\r", "size cr"),
    ],
    "extension value": [
        (_TOKEN, "extension value"), (b'"', "quoted"), (b";", "extension"), (b"\r", "size cr"),
    ],
    "quoted": [(_QUOTED, "quoted"), (b"\\", "quoted pair"), (b'"', "quoted end")],
    "quoted pair": [(_FIELD, "quoted")],
    "quoted end": [(b";", "extension"), (b"\r", "size cr")],
    "size cr": [(b"\n", "sized")],
    # Behind a chunk's data
    "data end": [(b"\r", "data end cr")],
    "data end cr": [(b"\n", "size first")],
}  # fmt: skip

for _method in METHODS:  # "start" --G--> "method G" --E--> "method GE" ...
    for _at, _letter in enumerate(_method.decode("ascii")):
        _state = f"method {_method[:_at].decode('ascii')}" if _at else "start"
        _follows = (_letter.encode("ascii"), f"method {_method[: _at + 1].decode('ascii')}")
        if _follows not in _FOLLOWS.setdefault(_state, []):
            _FOLLOWS[_state].append(_follows)
    _target = "authority" if _method == b"CONNECT" else "target first"
    _FOLLOWS.setdefault(f"method {_method.decode('ascii')}", []).append((b" ", _target))

_NEXT = {
    state: {byte: following for given, following in follows for byte in given}
    for state, follows in _FOLLOWS.items()
}

#: state → a run of bytes that leave it as it is.
_RUN = {
    state: re.compile(
        b"[%b]*" % re.escape(bytes(byte for byte, following in follows.items() if following == state))
    )
    for state, follows in _NEXT.items()
    if state in follows.values()
}


def run(state: str, data: bytes, at: int) -> int:
    """Return where the bytes end that leave this state as it is."""
    found = _RUN[state].match(data, at) if state in _RUN else None
    return found.end() if found is not None else at


def step(state: str, byte: int) -> str:
    """Return the state behind this byte. Raises BadMessage if it may not stand here."""
    following = _NEXT[state].get(byte)
    if following is not None:
        return following
    if state == "start" or state.startswith("method"):
        raise BadMessage(status_of_method(bytes([byte])), "invalid method")
    if state.startswith("number"):
        # 505 is for a version; a line that a bare LF ends has none.
        raise BadMessage(400 if (state, byte) == ("number end", 10) else 505, "invalid HTTP version")
    raise BadMessage(400, f"invalid byte behind {state.split()[0]}")
