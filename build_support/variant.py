"""How are the C files compiled: for speed, with assertions, or under a sanitizer?

The environment decides, so that pip, build and cibuildwheel need no options of ours:

``FASTSERVE_DEBUG=1``                     assertions and live-object counters (the C macro ``FS_DEBUG``)
``FASTSERVE_SANITIZE=address,undefined``  the sanitizers named, as the compiler's ``-fsanitize=`` spells them
``FASTSERVE_WERROR=1``                    a warning in csrc/ fails the build; for CI, not for users' compilers
``FASTSERVE_PURE=1``                      no C at all: what is installed serves in plain Python, over h11
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

CYTHON_DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "binding": False,
    "embedsignature": True,
    "auto_pickle": False,
}

# Other values that the compiled files depend on, besides our own three.
_COMPILER_VARIABLES = ("CC", "CFLAGS", "CPPFLAGS", "LDFLAGS", "ARCHFLAGS", "FASTSERVE_LLHTTP_DIR")


@dataclass(frozen=True)
class Variant:
    """One way to compile all that is C."""

    debug: bool = False
    sanitizers: tuple[str, ...] = ()
    werror: bool = False

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Variant:
        """Read the variant; raises `SystemExit` on a value that is no flag or no list of sanitizers."""
        sanitizers = tuple(name for name in environ.get("FASTSERVE_SANITIZE", "").split(",") if name)
        for name in sanitizers:
            if not re.fullmatch(r"[a-z-]+", name):
                raise SystemExit(f"fastserve: FASTSERVE_SANITIZE names no sanitizer: {name!r}")
        return cls(_flag(environ, "FASTSERVE_DEBUG"), sanitizers, _flag(environ, "FASTSERVE_WERROR"))

    @property
    def name(self) -> str:
        """The variant as part of a directory's name."""
        return "-".join(["debug" if self.debug else "release", *self.sanitizers])

    @property
    def compile_args(self) -> list[str]:
        """Arguments for every C file, llhttp's too."""
        args = ["-fvisibility=hidden"]
        if self.debug:
            # Python's own CFLAGS bring -DNDEBUG.
            args += ["-O1", "-g", "-UNDEBUG", "-DFS_DEBUG=1"]
        else:
            # Small code wins: the interpreter and the kernel contend for the same instruction cache. Calls
            # into Python by the offset table, without a stub for each function, save 2 % of a small request.
            args += ["-O2", *(["-fno-plt"] if sys.platform.startswith("linux") else [])]
        if self.sanitizers:
            args += [*self._sanitize, "-fno-omit-frame-pointer", "-g"]
        return args

    @property
    def csrc_args(self) -> list[str]:
        """Arguments for our own C files."""
        return [*self.compile_args, "-Wall", "-Wextra", *(["-Werror"] if self.werror else [])]

    @property
    def extension_args(self) -> list[str]:
        """Arguments for what Cython generates, whose style is not ours to judge."""
        return [
            *self.compile_args,
            "-Wno-unused-function",
            "-Wno-unused-parameter",
            "-Wno-missing-field-initializers",
        ]

    @property
    def link_args(self) -> list[str]:
        """Arguments for linking an extension module."""
        return list(self._sanitize)

    @property
    def _sanitize(self) -> tuple[str, ...]:
        if not self.sanitizers:
            return ()
        return (f"-fsanitize={','.join(self.sanitizers)}", "-fno-sanitize-recover=all")


def build_directory(
    variant: Variant, build_files: Iterable[Path], environ: Mapping[str, str], cython: str
) -> str:
    """Return the directory, relative to the project, that holds everything one variant's build makes.

    Its name takes in whatever the result depends on and time stamps do not show: the interpreter, the flags,
    the version of Cython (`cython`) and the build's own files. So no build meets another variant's objects.
    """
    digest = hashlib.sha256(repr((variant, cython)).encode())
    for name in _COMPILER_VARIABLES:
        digest.update(f"{name}={environ.get(name, '')}\n".encode())
    for file in sorted(build_files):
        digest.update(file.read_bytes())
    return f"build/{sys.implementation.cache_tag}-{variant.name}-{digest.hexdigest()[:8]}"


def is_pure(environ: Mapping[str, str]) -> bool:
    """Whether nothing at all is to be compiled."""
    return _flag(environ, "FASTSERVE_PURE")


def _flag(environ: Mapping[str, str], name: str) -> bool:
    value = environ.get(name, "")
    if value not in {"", "0", "1"}:
        raise SystemExit(f"fastserve: {name} is 0 or 1, not {value!r}")
    return value == "1"
