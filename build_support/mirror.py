"""How do two variants of the extension modules stand side by side?

An editable installation puts its extension modules beside their sources, under names that tell Pythons apart,
but not a debug build from a release build. So the debug and the sanitizer build work on a copy of the tree.

``python -m build_support.mirror DIRECTORY`` makes DIRECTORY such a copy, or brings it up to date. Unchanged
files keep their time stamps, so the build there stays incremental.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_MADE = {".git", ".benchmarks", ".coverage", ".hypothesis", "build", "dist", "__pycache__"}
_MADE_SUFFIXES = ("_cache", ".egg-info", ".pyc", ".so")


def is_source(name: str) -> bool:
    """Tell whether a file or directory called `name` belongs to the sources: not made, fetched or cached."""
    return not (name in _MADE or name.endswith(_MADE_SUFFIXES) or name.startswith(".venv"))


def source_files(root: Path) -> Iterator[Path]:
    """Yield the path, relative to `root`, of each file that belongs to the sources."""
    for directory, subdirectories, files in os.walk(root):
        subdirectories[:] = filter(is_source, subdirectories)
        for name in filter(is_source, files):
            yield Path(directory, name).relative_to(root)


def mirror(root: Path, copy: Path) -> None:
    """Make the sources under `copy` those under `root`, and leave alone what was built there."""
    wanted = set(source_files(root))
    for path in wanted:
        target = copy / path
        if not target.exists() or not filecmp.cmp(root / path, target, shallow=False):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / path, target)
    for path in set(source_files(copy)) - wanted:
        (copy / path).unlink()


if __name__ == "__main__":
    mirror(ROOT, Path(sys.argv[1]))
