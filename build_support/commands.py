"""Which steps turn the sources into extension modules, wheels and sdists?

setuptools' own commands, with three differences. The C files (csrc/ and llhttp) are compiled once, into two
static libraries that every extension module is linked with. Everything a build makes lies in one directory
per variant (see `variant.build_directory`), also for an editable installation, which so becomes incremental.
And llhttp is looked for only when something is compiled or packed, never while metadata is asked for.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from Cython.Build import cythonize
from setuptools import Extension
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build
from setuptools.command.build_clib import build_clib
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist
from setuptools.modified import newer_group

from . import llhttp, llhttp_cffi
from .variant import CYTHON_DIRECTIVES, Variant, build_directory, is_pure

ROOT = Path(__file__).resolve().parent.parent
CSRC = "csrc"
OWN_LIBRARY, LLHTTP_LIBRARY = "fastserve_csrc", "fastserve_llhttp"


def find_extensions() -> list[Extension]:
    """Return one extension module for each .pyx file of the package, under its dotted name, and cffi's.

    PyPy gets cffi's only, which its compiler can see into.
    """
    if is_pure(os.environ):
        return []
    if sys.implementation.name == "pypy":
        return _cffi_extension()
    files = sorted(path.relative_to(ROOT) for path in (ROOT / "fastserve").rglob("*.pyx"))
    modules = [Extension(".".join(path.with_suffix("").parts), [str(path)]) for path in files]
    return modules + _cffi_extension()


def _cffi_source() -> Path:
    return Path(_directory(), "cffi", "_llhttp.c")


def _cffi_extension() -> list[Extension]:
    """The module through which plain Python calls llhttp; none where there is no cffi to make it."""
    if find_spec("cffi") is None:
        return []
    return [Extension(llhttp_cffi.MODULE, [str(_cffi_source())])]


def find_libraries() -> list[tuple[str, dict[str, Any]]]:
    """Return the static library of our own C files, as setup() takes it; llhttp's joins it once located."""
    if is_pure(os.environ):
        return []
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / CSRC).glob("*.c"))
    return [(OWN_LIBRARY, {"sources": sources})]


@lru_cache(maxsize=1)
def _variant() -> Variant:
    return Variant.from_environment(os.environ)


@lru_cache(maxsize=1)
def _llhttp() -> llhttp.Llhttp:
    return llhttp.locate(ROOT, os.environ)


@lru_cache(maxsize=1)
def _directory() -> str:
    build_files = [ROOT / "setup.py", *Path(__file__).parent.glob("*.py")]
    return build_directory(_variant(), build_files, os.environ, version("Cython"))


def _headers() -> list[str]:
    return [*(str(path) for path in sorted(Path(CSRC).glob("*.h"))), str(_llhttp().header)]


def _as_source(path: Path) -> str:
    """Return `path` relative to the project if it lies inside: a `..` would lead its object file astray."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


class Build(build):
    """`build`, in the variant's own directory."""

    def finalize_options(self) -> None:
        self.build_base = _directory()
        super().finalize_options()


class BuildClib(build_clib):
    """`build_clib` for csrc/ and llhttp."""

    libraries: list[tuple[str, dict[str, Any]]]

    def finalize_options(self) -> None:
        super().finalize_options()
        self.build_clib = self.build_temp = f"{_directory()}/clib"

    def run(self) -> None:
        found, variant = _llhttp(), _variant()
        include_dirs = [CSRC, str(found.header.parent)]
        own = {
            **dict(self.libraries)[OWN_LIBRARY],
            "include_dirs": include_dirs,
            "obj_deps": {"": _headers()},
            "cflags": [*variant.csrc_args, *found.compile_args],
        }
        self.libraries = [(OWN_LIBRARY, own)]
        if found.sources:
            parser = {
                "sources": [_as_source(path) for path in found.sources],
                "include_dirs": include_dirs,
                "obj_deps": {"": [str(found.header)]},
                "cflags": variant.compile_args,
            }
            self.libraries.append((LLHTTP_LIBRARY, parser))
        super().run()

    def archives(self) -> list[str]:
        """Return the paths of the static libraries, in the order in which a linker wants them."""
        return [
            os.path.join(self.build_clib, self.compiler.library_filename(name)) for name, _ in self.libraries
        ]


class BuildExt(build_ext):
    """`build_ext` that compiles the static libraries first and links each extension module with them."""

    parallel: int | None

    def finalize_options(self) -> None:
        super().finalize_options()
        self.build_temp = f"{_directory()}/temp"
        if self.editable_mode:
            # setuptools would build in a temporary directory, and so everything anew each time.
            self.build_lib = f"{_directory()}/lib"
        if self.parallel is None:
            self.parallel = os.cpu_count()

    def run(self) -> None:
        self.run_command("build_clib")
        archives = self.get_finalized_command("build_clib").archives()
        found, variant = _llhttp(), _variant()
        if any(extension.name == llhttp_cffi.MODULE for extension in self.extensions):
            llhttp_cffi.emit(_cffi_source())
        else:
            self.announce("no cffi here: --http cffi will not be there", level=logging.WARNING)
        for extension in self.extensions:
            extension.include_dirs += [CSRC, str(found.header.parent)]
            extension.depends += [*archives, *_headers()]
            extension.extra_objects += archives
            extension.extra_compile_args += [*variant.extension_args, *found.compile_args]
            extension.extra_link_args += [*variant.link_args, *found.link_args]
        generated = cythonize(
            self.extensions,
            build_dir=f"{_directory()}/cython",
            compiler_directives=CYTHON_DIRECTIVES,
            nthreads=self.parallel,
            quiet=True,
        )
        # cythonize returns copies, without what setuptools noted on its own objects.
        sources = {copy.name: copy.sources for copy in generated}
        for extension in self.extensions:
            extension.sources = sources[extension.name]
        super().run()

    def build_extensions(self) -> None:
        """Compile only what changed: distutils compiles every object anew when it links a module anew."""
        compile_always = self.compiler.compile

        def compile_stale(sources: list[str], *, output_dir: str, **options: Any) -> list[str]:
            objects: list[str] = self.compiler.object_filenames(sources, output_dir=output_dir)
            inputs = [*sources, *_headers()]
            if self.force or any(newer_group(inputs, built) for built in objects):
                return compile_always(sources, output_dir=output_dir, **options)
            return objects

        self.compiler.compile = compile_stale
        super().build_extensions()


class BdistWheel(bdist_wheel):
    """`bdist_wheel` that adds llhttp's licence to a wheel that holds llhttp's code."""

    def write_wheelfile(self, wheelfile_base: str, *args: Any, **options: Any) -> None:
        notice = _llhttp().license_file if self.distribution.has_ext_modules() else None
        if notice is not None:
            target = Path(wheelfile_base, "licenses", "llhttp", "LICENSE")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notice, target)
        super().write_wheelfile(wheelfile_base, *args, **options)


class Sdist(sdist):
    """`sdist` that carries llhttp's sources in the archive; the working tree never holds them."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        llhttp.copy_sources(llhttp.locate_sources(ROOT, os.environ), Path(base_dir, "third_party", "llhttp"))


COMMANDS = {
    "build": Build,
    "build_clib": BuildClib,
    "build_ext": BuildExt,
    "bdist_wheel": BdistWheel,
    "sdist": Sdist,
}
