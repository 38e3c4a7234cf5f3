"""Which code is a thread running, as its author would tell it?

A stack of frames becomes places: `app.py:42 in report`, with the source line. Only those of the user's own
code are worth telling, as a rule: neither the standard library's, nor those of installed packages, nor ours.
"""

from __future__ import annotations

import ast
import builtins
import functools
import linecache
import os
import site
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType, FrameType, ModuleType
from typing import Any

__all__ = ["Moment", "Place", "Stack", "stack_of"]

_TEXT_CHARACTERS_MAX = 120
_FRAMES_MAX = 200
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


@functools.cache
def _library_directories() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    found |= {site.getusersitepackages(), os.path.dirname(os.__file__)}
    return tuple(os.path.join(path, "") for path in found)


_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
#: Packages that lie between the server and the user's code, whose frames tell nothing.
_PLUMBING = frozenset(
    ("anyio", "asgiref", "asyncio", "contextlib", "django", "fastapi", "fastserve", "starlette")
)


@dataclass(frozen=True)
class Place:
    """Where a frame is. `package` is the top-level one of its code, `qualified` its function's full name."""

    path: str
    line: int
    function: str
    qualified: str
    package: str
    text: str

    @property
    def is_users(self) -> bool:
        return not (
            self.path.startswith(("<", _OURS))
            or self.path.startswith(_library_directories())
            or any(part in self.path for part in _INSTALLED)
        )

    def __str__(self) -> str:
        return f"{_shortened(self.path)}:{self.line} in {self.function}"


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class _Mark:
    """What a frame says of itself at one moment; the frame itself must not be kept beyond it."""

    code: CodeType
    line: int
    instruction: int
    names: dict[str, Any]

    @property
    def place(self) -> Place:
        code = self.code
        text = linecache.getline(code.co_filename, self.line, self.names).strip()
        if len(text) > _TEXT_CHARACTERS_MAX:
            text = text[: _TEXT_CHARACTERS_MAX - 1] + "…"
        qualified = getattr(code, "co_qualname", code.co_name)  # from 3.11 on
        package = str(self.names.get("__name__", "")).partition(".")[0]
        return Place(code.co_filename, self.line, code.co_name, qualified, package, text)


def _mark_of(at: FrameType) -> _Mark:
    return _Mark(at.f_code, at.f_lineno or at.f_code.co_firstlineno, at.f_lasti, at.f_globals)


class Moment:
    """A stack as it is now, noted without a look into files: the other thread cannot go far meanwhile.

    :param frame: the innermost frame
    :param outer_count: how many of the outermost frames do not matter
    """

    def __init__(self, frame: FrameType | None, outer_count: int = 0) -> None:
        frames: list[FrameType] = []
        while frame is not None:
            frames.append(frame)
            frame = frame.f_back
        frames = frames[: max(0, len(frames) - outer_count)][:_FRAMES_MAX]
        self._marks = [_mark_of(at) for at in frames]
        self._request = next(filter(None, map(_request, frames)), None)
        self._locals = {name: _outline(value) for name, value in frames[0].f_locals.items()} if frames else {}

    def stack(self) -> Stack:
        """Read it, with the source files."""
        callee = _callee(self._marks[0], self._locals) if self._marks else ""
        # From a list: others must not see a tuple that is made item by item (gc.get_objects).
        return Stack(tuple([mark.place for mark in self._marks]), self._request, callee)


@dataclass(frozen=True)
class Stack:
    """The frames of one thread, the innermost first.

    `request` is the method and the path of the ASGI scope that one of them has; `callee` names the package of
    what the innermost one calls, where that has no frame of its own: "time" for `time.sleep(1)`.
    """

    places: tuple[Place, ...] = ()
    request: tuple[str, str] | None = None
    callee: str = ""

    @property
    def told(self) -> tuple[Place, ...]:
        """The user's own frames, or, without any, the innermost one that says something."""
        own = tuple([place for place in self.places if place.is_users])
        if own:
            return own
        packages = [place for place in self.places if place.package not in _PLUMBING]
        return tuple((packages or self.places)[:1])

    @property
    def called(self) -> list[str]:
        """The packages that the innermost of the user's own frames called; the nearest first."""
        inner: list[str] = []
        for place in self.places:
            if place.is_users:
                break
            inner.append(place.package)
        return [*dict.fromkeys([*reversed(inner), *filter(None, [self.callee])])]


def stack_of(frames: Sequence[FrameType]) -> Stack:
    """The stack of frames that do not run, such as those of suspended coroutines; the innermost first."""
    return Stack(tuple(_mark_of(frame).place for frame in frames[:_FRAMES_MAX]))


def _shortened(path: str) -> str:
    """As short as it is unambiguous: from the current directory, or from where it is imported."""
    known = [os.getcwd(), *(os.path.abspath(entry) for entry in sys.path)]
    inside = [os.path.relpath(path, base) for base in known if path.startswith(os.path.join(base, ""))]
    return min(inside, key=len, default=path)


def _request(frame: FrameType) -> tuple[str, str] | None:
    """ASGI's frameworks call the scope so, WSGI's the environ; none has to be known by name."""
    code = frame.f_code
    names = {*code.co_varnames, *code.co_freevars, *code.co_cellvars}
    for name, method, path in (("scope", "method", "path"), ("environ", "REQUEST_METHOD", "PATH_INFO")):
        if name in names:
            fields = frame.f_locals.get(name)
            if isinstance(fields, dict) and {method, path} <= fields.keys():
                return str(fields[method]), str(fields[path])
    return None


# ---- what is called


def _outline(value: object) -> object:
    """A module, or the name of the package that a value comes from: what keeps no value alive."""
    return value if isinstance(value, ModuleType) else _package_of(value)


def _package_of(value: object) -> str:
    of = value if isinstance(value, type) or callable(value) else type(value)
    module = getattr(of, "__module__", None)
    if not isinstance(module, str):
        module = type(value).__module__
    package = module.partition(".")[0]
    return "" if package == "builtins" else package


def _callee(mark: _Mark, local: dict[str, object]) -> str:
    """The top-level package of what a frame calls, or ""; nothing of the program is run to find it."""
    names = _called_names(_expression(mark.code, mark.instruction))
    if not names:
        return ""
    first, *rest = names
    if first in local:
        found = local[first]
    elif first in mark.names:
        found = mark.names[first]
    else:
        found = vars(builtins).get(first)
    for name in rest:
        if not isinstance(found, ModuleType):
            break
        found = vars(found).get(name)
    if isinstance(found, ModuleType):
        return found.__name__.partition(".")[0]
    return found if isinstance(found, str) else _package_of(found)


def _called_names(expression: str) -> list[str]:
    """`a.b.c(1)` → a, b, c; nothing for what is no call of a name."""
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return []
    called = next((node.func for node in ast.walk(tree) if isinstance(node, ast.Call)), None)
    names: list[str] = []
    while isinstance(called, ast.Attribute):
        names.insert(0, called.attr)
        called = called.value
    return [called.id, *names] if isinstance(called, ast.Name) else []


def _expression(code: CodeType, instruction: int) -> str:
    """The source of the expression that this instruction belongs to; before 3.11, of its line."""
    if sys.version_info < (3, 11):
        lines = [line for start, end, line in code.co_lines() if start <= instruction < end and line]
        return linecache.getline(code.co_filename, lines[0]) if lines else ""
    positions = [*code.co_positions()]
    if not 0 <= instruction // 2 < len(positions):
        return ""
    first, last, begin, end = positions[instruction // 2]
    if first is None or last is None or begin is None or end is None:
        return ""
    lines = linecache.getlines(code.co_filename)[first - 1 : last]
    if not lines:
        return ""
    # The offsets count bytes of UTF-8.
    encoded = [line.encode() for line in lines]
    encoded[-1] = encoded[-1][:end]
    encoded[0] = encoded[0][begin:]
    return b"".join(encoded).decode(errors="replace")
