"""What do the sources say of themselves? Files, rooms, imports, and what Python sees of an extension module.

Everything is read as text: no build is needed, and nothing is imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

_DIRECTORIES = (
    ".ci", ".github", "bench", "build_support", "csrc", "docs", "examples", "fastserve", "fuzz", "tests",
)  # fmt: skip
_SUFFIXES = {
    ".c", ".css", ".h", ".html", ".in", ".lua", ".md", ".pxd", ".py", ".pyi", ".pyx", ".toml", ".txt", ".yml",
}  # fmt: skip
_NAMES = {".gitignore", "LICENSE", "Makefile", "run"}


def files(*suffixes: str, under: str = "") -> list[Path]:
    """The project's own text files, relative to its root; only those that end so and lie there, if told."""
    found = [path for path in ROOT.iterdir() if path.is_file()]
    for directory in _DIRECTORIES:
        found += (path for path in (ROOT / directory).rglob("*") if path.is_file())
    ours = [path.relative_to(ROOT) for path in found if path.suffix in _SUFFIXES or path.name in _NAMES]
    return sorted(
        path
        for path in ours
        if path.suffix in (suffixes or {path.suffix})
        and path.as_posix().startswith(under)
        and not {"__pycache__", "build", "corpus"} & {*path.parts}
    )


def read(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def without_prose(path: Path) -> str:
    """The text without comments and docstrings."""
    text = read(path)
    if path.suffix in {".c", ".h"}:
        return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"^\s*#.*$", "", re.sub(r'""".*?"""', "", text, flags=re.DOTALL), flags=re.MULTILINE)


# ---- rooms ----


@dataclass(frozen=True)
class Room:
    """A row of ARCHITECTURE.md's table: paths without suffix, or of directories; and what they may import."""

    paths: tuple[str, ...]
    knows: tuple[str, ...]

    def __str__(self) -> str:
        return self.paths[0]

    def depth_of(self, path: str) -> int:
        """How many parts of the path this room names; 0 where it is in another room."""
        return max(
            (one.count("/") + 1 for one in self.paths if (path + "/").startswith(one + "/")), default=0
        )

    def is_named(self, name: str) -> bool:
        """Whether `name` is this room, with or without `fastserve/`, or a directory around it."""
        return any((path + "/").startswith((f"{name}/", f"fastserve/{name}/")) for path in self.paths)


@cache
def rooms() -> tuple[Room, ...]:
    """The table, from its top to its bottom."""
    table = read(Path("ARCHITECTURE.md")).split("| room | question | knows |\n|---|---|---|\n")[1]
    rows = [line.split("|")[1:-1] for line in table.split("\n\n")[0].splitlines()]
    return tuple(Room(_names(room), _names(knows)) for room, _, knows in rows)


def _names(cell: str) -> tuple[str, ...]:
    return tuple(name.rstrip("/") for name in re.findall(r"`([^`]+)`", cell))


def room_of(path: Path) -> Room | None:
    """The room that names most of the file's path. fastserve/csrc/NAME.pxd and csrc/NAME.h are one room."""
    name = path.with_suffix("").as_posix()
    if path.parts[:2] == ("fastserve", "csrc"):
        name = name.removeprefix("fastserve/")
    if path.stem == "llhttp":
        name = "llhttp"
    best = max(rooms(), key=lambda room: room.depth_of(name))
    return best if best.depth_of(name) else None


def has_room(path: Path) -> bool:
    """All but the __init__.py of our sub-packages, which hold a docstring and nothing else."""
    return path.stem != "__init__" or path.parent == Path("fastserve")


# ---- imports ----


def imports(path: Path) -> set[Path]:
    """Our files that a source file imports, cimports, includes, or names in a string to be imported."""
    text = read(path) if path.suffix == ".py" else without_prose(path)
    if path.suffix in {".c", ".h"}:
        return {_header(name) for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE)}
    found = _python_imports(text) if path.suffix == ".py" else _cython_imports(text)
    return {file for name in found if name.partition(".")[0] == "fastserve" for file in _files_of(name)}


def _header(name: str) -> Path:
    return Path("fastserve/csrc/llhttp.pxd") if name == "llhttp.h" else Path("csrc", name)


def _python_imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            named = re.fullmatch(r"(fastserve(?:\.\w+)+):\w+", node.value)
            if named:
                yield named[1]


def _cython_imports(text: str) -> Iterator[str]:
    for module, one_line, in_brackets in re.findall(
        r"^\s*from\s+([\w.]+)\s+c?import\s+(?:([^(#\n]+)|\(([^)]*)\))", text, re.MULTILINE
    ):
        for name in re.sub(r"#.*", "", one_line or in_brackets).split(","):
            if name.strip():
                yield f"{module}.{name.split()[0]}"
    yield from re.findall(r"^\s*c?import\s+([\w.]+)", text, re.MULTILINE)


def _files_of(name: str) -> list[Path]:
    """The file that a dotted name stands for, or the one that holds what it names."""
    for dotted in (name, name.rpartition(".")[0]):
        if dotted == "fastserve.reference._llhttp":  # made by the build
            return [Path("llhttp")]
        stem = ROOT.joinpath(*dotted.split("."))
        for candidate in (stem.with_suffix(".pxd"), stem.with_suffix(".py"), stem / "__init__.py"):
            if candidate.exists():
                return [candidate.relative_to(ROOT)]
    raise LookupError(f"no file is imported by {name}")


# ---- the surface of an extension module ----

Surface = dict[str, str]
"""`Class` → its bases, `function` or `Class.method` → its parameters, `Class.attribute` → "attribute"."""

_SPECIAL = {
    "__call__",
    "__init__",
    "__new__",
    "__await__",
    "__iter__",
    "__next__",
    "__name__",
    "__qualname__",
}


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in _SPECIAL


def cython_surface(path: Path) -> Surface:
    """What Python sees of a .pyx with its .pxd: classes, def and cpdef functions, public fields."""
    surface: Surface = {}
    owner = ""
    pattern = re.compile(
        r"^(?:cdef )?class (?P<cls>\w+)(?:\((?P<bases>[^)]*)\))?:"
        r"|^(?P<indent> {4})?(?P<property>@property\s+)?(?:async def|def|cpdef \w+) (?P<def>\w+)"
        r"\((?P<params>(?s:.*?))\)(?: -> [^\n]+| except [^\n]+| noexcept)?:$",
        re.MULTILINE,
    )
    for match in pattern.finditer(without_prose(path)):
        if match["cls"]:
            owner = match["cls"]
            if _is_public(owner):
                surface[owner] = match["bases"] or ""
            continue
        name = {"__cinit__": "__new__"}.get(match["def"], match["def"])
        if _is_public(name) and (not match["indent"] or _is_public(owner)):
            key = f"{owner}.{name}" if match["indent"] else name
            surface[key] = "attribute" if match["property"] else _parameters(match["params"])
    owner = ""
    for line in without_prose(path.with_suffix(".pxd")).splitlines():
        if line.startswith("cdef class "):
            owner = re.split(r"\W", line)[2]
        field = re.match(r" {4}cdef (?:readonly|public) .*?(\w+)\s*(?:#.*)?$", line)
        if field:
            surface[f"{owner}.{field[1]}"] = "attribute"
    return surface


def _parameters(text: str) -> str:
    """`self, int fd=1, *values` → `fd=, *values`."""
    shown = []
    for parameter in filter(str.strip, text.replace("not None", "").split(",")):
        name, default, _ = parameter.partition("=")
        shown.append(name.partition(":")[0].split()[-1] + default)
    return ", ".join(shown[1:] if shown[:1] in (["self"], ["cls"]) else shown)


def stub_surface(path: Path) -> Surface:
    """The same of a .pyi."""
    surface: Surface = {}
    for node in ast.parse(read(path)).body:
        if isinstance(node, ast.ClassDef) and _is_public(node.name):
            surface[node.name] = ", ".join(ast.unparse(base) for base in node.bases)
            for member in node.body:
                surface.update(_stub_member(node.name + ".", member))
        else:
            surface.update(_stub_member("", node))
    return surface


def _stub_member(prefix: str, node: ast.stmt) -> Surface:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if any(isinstance(one, ast.Name) and one.id == "property" for one in node.decorator_list):
            return {prefix + node.name: "attribute"}
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        text = re.sub(r"=[^,]+", "=", ast.unparse(node.args))
        return {prefix + node.name: _parameters(text)}
    if prefix and isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {prefix + node.target.id: "attribute"}
    return {}


# ---- cdef functions ----

_PYTHON_TYPES = {"", "object", "bytes", "str", "list", "dict", "set", "tuple"}


def functions_without_contract(path: Path) -> list[str]:
    """The cdef functions that return a C value and do not say how an exception leaves them."""
    text = re.sub(r"^cdef extern .*\n(?:(?: .*)?\n)*", "", without_prose(path), flags=re.MULTILINE)
    enums = set(re.findall(r"cdef enum (\w+)", read(path) + read(path.with_suffix(".pxd"))))
    silent = []
    for head, tail in re.findall(r"^ *cp?def (?:inline )?([\w *]+)\([^()]*\)([^\n]*):$", text, re.MULTILINE):
        result, name = _split_name(head)
        is_python = result in _PYTHON_TYPES or (result[0].isupper() and result not in enums)
        if result != "class" and not is_python and not re.search(r"\b(?:noexcept|except)\b", tail):
            silent.append(name)
    return silent


def _split_name(head: str) -> tuple[str, str]:
    """`const char *name` → its type and its name."""
    name = re.split(r"[ *]", head)[-1]
    return head.removesuffix(name).strip(), name
