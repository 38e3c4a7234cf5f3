"""Where does llhttp come from?

fastserve parses HTTP by llhttp 9.4.2 or newer, whose C sources are not in this repository. The first of these
that exists is taken:

1. ``FASTSERVE_LLHTTP_DIR``: a directory with ``include/llhttp.h`` and ``src/*.c``, as in llhttp's releases.
2. ``third_party/llhttp``: our own sdist carries the sources there, so that its users build without a network.
3. A system ``libllhttp`` that pkg-config knows, linked as a shared library.
4. The sdist of httptools, which carries llhttp's released sources: fetched through pip, pinned by its hash.

``python -m build_support.llhttp`` prints a directory of sources (1, 2 or 4), for the tests and fuzzers of
the C code.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

Version = tuple[int, int, int]

VERSION_MIN: Version = (9, 4, 2)
CARRIER = "httptools"
CARRIER_VERSION = "0.9.0"
CARRIER_SHA256 = "d484ebb7e3a3f3597b0f645fbd1b85633674ca808c1f5ba11c2caf7c66f5c8b6"
CARRIED_VERSION: Version = (9, 4, 3)

HEADER = "include/llhttp.h"
SOURCES = ("src/api.c", "src/http.c", "src/llhttp.c")
LICENSE = "LICENSE"
CARRIED_FILES = (HEADER, *SOURCES, LICENSE)


@dataclass(frozen=True)
class Llhttp:
    """What a compiler and a linker need to know of the llhttp that was found.

    `sources` is empty for a system library, and `compile_args`, `link_args` are empty otherwise.
    `license_file` is the notice that a wheel must carry when it holds llhttp's code.
    """

    header: Path
    sources: tuple[Path, ...] = ()
    compile_args: tuple[str, ...] = ()
    link_args: tuple[str, ...] = ()
    license_file: Path | None = None


def locate(root: Path, environ: Mapping[str, str]) -> Llhttp:
    """Return the llhttp to build with, fetching it under `root`/build if nothing else has it.

    Raises `SystemExit` with one line that says what to do.
    """
    directory = _local_sources(root, environ)
    if directory is None:
        system = find_system_library(environ)
        if system is not None:
            return system
        directory = _fetched_sources(root, environ)
    license_file = directory / LICENSE
    return Llhttp(
        header=directory / HEADER,
        sources=tuple(directory / name for name in SOURCES),
        license_file=license_file if license_file.is_file() else None,
    )


def locate_sources(root: Path, environ: Mapping[str, str]) -> Path:
    """Return a directory of llhttp's sources, whether or not a system library exists; errors as `locate`."""
    return _local_sources(root, environ) or _fetched_sources(root, environ)


def header_version(header: Path) -> Version:
    """Return the version that a llhttp.h states; (0, 0, 0) if it states none."""
    text = header.read_text(encoding="utf-8", errors="replace")
    found = dict(re.findall(r"^#define LLHTTP_VERSION_(MAJOR|MINOR|PATCH) (\d+)", text, re.MULTILINE))
    return (int(found.get("MAJOR", 0)), int(found.get("MINOR", 0)), int(found.get("PATCH", 0)))


def find_system_library(environ: Mapping[str, str]) -> Llhttp | None:
    """Return the libllhttp that pkg-config names; None unless it is new enough and its header is there."""
    pkg_config = shlex.split(environ.get("PKG_CONFIG", "pkg-config"))

    def ask(*question: str) -> str | None:
        try:
            answer = subprocess.run(
                [*pkg_config, *question, "libllhttp"], capture_output=True, text=True, check=False
            )
        except OSError:
            return None
        return answer.stdout.strip() if answer.returncode == 0 else None

    include_dir = ask("--variable=includedir")
    compile_args, link_args = ask("--cflags"), ask("--libs")
    if not include_dir or compile_args is None or link_args is None:
        return None
    header = Path(include_dir) / "llhttp.h"
    # The header decides, not the .pc file: it is what the code is compiled against.
    if not header.is_file() or header_version(header) < VERSION_MIN:
        return None
    return Llhttp(
        header=header, compile_args=tuple(shlex.split(compile_args)), link_args=tuple(shlex.split(link_args))
    )


def unpack(archive: Path, destination: Path) -> None:
    """Write llhttp's files from httptools' sdist `archive` into `destination`, whole or not at all.

    Members are read by their exact names and nothing else is extracted, so no path of the archive is trusted.
    Raises `SystemExit` if the archive is not the pinned one.
    """
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != CARRIER_SHA256:
        _fail(
            f"{archive.name} has sha256 {digest}, not the pinned {CARRIER_SHA256}: refusing to build from it"
        )
    destination.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=destination.parent) as scratch,
        tarfile.open(archive, "r:gz") as tar,
    ):
        staged = Path(scratch, "llhttp")
        for name in CARRIED_FILES:
            member = tar.extractfile(f"{CARRIER}-{CARRIER_VERSION}/vendor/llhttp/{name}")
            assert member is not None, "the hash vouches for what the archive holds"
            target = staged / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(member.read())
        try:
            staged.rename(destination)
        except OSError:
            # Another build was faster; a rename never leaves a half-written directory behind.
            if not is_complete(destination):
                raise


def is_complete(directory: Path) -> bool:
    """Tell whether `directory` holds every source file that a build of llhttp needs."""
    return all((directory / name).is_file() for name in (HEADER, *SOURCES))


def copy_sources(origin: Path, destination: Path) -> None:
    """Copy llhttp's sources, and its licence if `origin` has it, from `origin` to `destination`."""
    for name in CARRIED_FILES:
        if (origin / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin / name, destination / name)


def _local_sources(root: Path, environ: Mapping[str, str]) -> Path | None:
    named = environ.get("FASTSERVE_LLHTTP_DIR")
    if named:
        directory = Path(named).expanduser().resolve()
        if not is_complete(directory):
            _fail(f"FASTSERVE_LLHTTP_DIR={named} does not hold {HEADER}, {', '.join(SOURCES)}")
        version = header_version(directory / HEADER)
        if version < VERSION_MIN:
            _fail(
                f"FASTSERVE_LLHTTP_DIR={named} holds llhttp {_dotted(version)}, not >= {_dotted(VERSION_MIN)}"
            )
        return directory
    carried = root / "third_party" / "llhttp"
    return carried if is_complete(carried) else None


def _fetched_sources(root: Path, environ: Mapping[str, str]) -> Path:
    directory = root / "build" / f"llhttp-{_dotted(CARRIED_VERSION)}"
    if not is_complete(directory):
        with tempfile.TemporaryDirectory() as scratch:
            unpack(_download(Path(scratch), environ), directory)
    return directory


def _download(directory: Path, environ: Mapping[str, str]) -> Path:
    """Fetch httptools' sdist into `directory` through pip, which knows the user's index and proxy.

    pip prepares the metadata of what it downloads. Without isolation that takes the setuptools that runs this
    very build, so that no second environment is made.
    """
    requirements = directory / "requirements.txt"
    requirements.write_text(
        f"{CARRIER}=={CARRIER_VERSION} --hash=sha256:{CARRIER_SHA256}\n", encoding="utf-8"
    )
    command = [
        *(
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--retries",
            "2",
        ),
        *("--no-deps", "--no-build-isolation", "--no-binary", CARRIER),
        *("--require-hashes", "--requirement", str(requirements), "--dest", str(directory)),
    ]
    # What constrains the user's own installation must not veto a pinned source archive.
    clean = {
        name: value for name, value in environ.items() if name not in {"PIP_CONSTRAINT", "PIP_REQUIREMENT"}
    }
    pip = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
    archive = directory / f"{CARRIER}-{CARRIER_VERSION}.tar.gz"
    if pip.returncode != 0 or not archive.is_file():
        complaints = [line for line in pip.stderr.splitlines() if line.strip()] or ["no message"]
        _fail(
            f"no llhttp >= {_dotted(VERSION_MIN)} here, and pip could not fetch {CARRIER} {CARRIER_VERSION}, "
            "which carries its sources: build with a network, install libllhttp's development package, or "
            f"set FASTSERVE_LLHTTP_DIR to an unpacked llhttp release (pip: {complaints[-1].strip()})"
        )
    return archive


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def _fail(message: str) -> NoReturn:
    raise SystemExit(f"fastserve: {message}")


if __name__ == "__main__":
    print(locate_sources(Path(__file__).resolve().parent.parent, os.environ))
