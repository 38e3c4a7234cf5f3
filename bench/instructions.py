"""How many instructions does a hello request take? Counted by callgrind, and held to what is kept here.

    python -m bench.instructions            # fails where there are more than 3 % more
    python -m bench.instructions --write    # keep what is counted

A time differs from run to run, a count of instructions does not: a slower way shows on any machine, busy or
not. What is counted is what one more request takes, as the difference of two runs: in fastserve's own
extension modules (`own`), and in the whole process with the interpreter and the C library (`all`).

bench/instructions.json has one row for each CPython, compiler, architecture and set of flags, for these
change what a line of C or Cython becomes. `all` depends on how the interpreter was built, too, and is
compared only where that is the same. Where there is no row, nothing is compared, and that is said.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "bench" / "instructions.json"
LIMIT = 1.03
"""More than so many times as many as are kept are too many."""
REQUESTS = (500, 1500)
EXIT_GREW = 1
EXIT_CANNOT_RUN = 2

CODE = re.compile(r"-(?:O|m|D_FORTIFY|f(?!\w+-prefix-map))")
NAME = re.compile(r"(c?)(?:ob)=\((\d+)\)(?: (.*))?$")
COST = re.compile(r"(?:0x[0-9a-f]+|[+-]?\d+|\*)(?: (?:[+-]?\d+|\*))* (\d+)$")


@dataclass(frozen=True)
class Count:
    """Instructions of one request, and the interpreter's build."""

    own: int
    all: int
    interpreter: str


def key() -> str:
    """What `own` depends on beside the sources: CPython's minor version, compiler, architecture, flags.

    The flags are those of the interpreter's own build that change code, for extension modules get them too.
    """
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    flags = {flag for flag in (sysconfig.get_config_var("PY_CFLAGS") or "").split() if CODE.match(flag)}
    return f"CPython {minor}, {compiler()}, {platform.machine()}, {' '.join(sorted(flags))}"


def compiler() -> str:
    """The compiler of extension modules and its major version, as ``gcc 12``."""
    words = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    command = words.split()[0]
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    major = subprocess.run([command, "-dumpversion"], capture_output=True, text=True, check=True).stdout
    return f"{'clang' if 'clang' in said else 'gcc'} {major.strip().partition('.')[0]}"


def interpreter() -> str:
    """The interpreter's version and build."""
    return f"{platform.python_version()}, {platform.python_build()[1]}, {platform.python_compiler()}"


def costs(lines: Iterable[str], own: str) -> tuple[int, int]:
    """Instructions in objects whose path begins with `own`, and in all, of a callgrind.out file.

    ``ob=`` names the object of the lines that follow; each of them is a position and a count. The line behind
    ``calls=`` is what the callee took, which stands among its own lines too.
    """
    names: dict[str, str] = {}
    in_own, total_own, total, skip = False, 0, 0, False
    for line in lines:
        named = NAME.match(line)
        if named:
            of_callee, number, name = named.groups()
            if name:
                names[number] = name
            if not of_callee:
                in_own = names[number].startswith(own)
        elif line.startswith("calls="):
            skip = True
        elif cost := COST.match(line):
            if not skip:
                total += int(cost[1])
                total_own += int(cost[1]) if in_own else 0
            skip = False
    return total_own, total


def run(requests: int, directory: Path) -> tuple[int, int]:
    """One run of bench.hello_path under callgrind."""
    output = directory / f"{requests}.out"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}"]
    command += [sys.executable, "-m", "bench.hello_path", str(requests)]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {ran.stderr[-1000:]}")
    with output.open(encoding="utf-8", errors="replace") as lines:
        return costs((line.rstrip("\n") for line in lines), str(ROOT / "fastserve"))


def count() -> Count:
    """What one more request takes: the difference of two runs, which take turns on as many cores as there
    are."""
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor() as pool:
        few, many = pool.map(lambda requests: run(requests, Path(directory)), REQUESTS)
    between = REQUESTS[1] - REQUESTS[0]
    own, everything = ((more - less) // between for less, more in zip(few, many, strict=True))
    return Count(own, everything, interpreter())


def judged(found: Count, kept: Count | None, row: str) -> tuple[bool, str]:
    """Is it no more than it may be, and what is to be said?"""
    said = f"{row}: a request takes {found.own:,} instructions in fastserve's modules, {found.all:,} in all"
    if kept is None:
        return True, f"{said}; not compared, for {FILE.name} has no such row"
    pairs = [("in fastserve's modules", found.own, kept.own)]
    if found.interpreter == kept.interpreter:
        pairs.append(("in all", found.all, kept.all))
    grown = [
        f"{what} {now:,}, {now / before - 1:+.1%}" for what, now, before in pairs if now > before * LIMIT
    ]
    if grown:
        return False, (
            f"{row}: a request takes more instructions than before: {'; '.join(grown)}. If that is worth it, "
            f"python -m bench.instructions --write, and say why in the change."
        )
    return True, f"{said}; {', '.join(f'{now / before - 1:+.1%} {what}' for what, now, before in pairs)}"


def main() -> int:
    """0; 1 where there are more than there may be; 2 where valgrind is missing."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.instructions", description="Instructions of a request."
    )
    parser.add_argument("--write", action="store_true", help=f"keep what is counted in {FILE.name}")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("bench.instructions: valgrind is missing: apt-get install valgrind", file=sys.stderr)
        return EXIT_CANNOT_RUN
    rows = json.loads(FILE.read_text(encoding="utf-8"))
    row, found = key(), count()
    if options.write:
        rows[row] = asdict(found)
        FILE.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n", encoding="utf-8")
    kept = Count(**rows[row]) if row in rows else None
    good, said = judged(found, kept, row)
    print(said)
    return 0 if good else EXIT_GREW


if __name__ == "__main__":
    sys.exit(main())
