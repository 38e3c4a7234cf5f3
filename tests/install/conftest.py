"""The distributions under test, and the checkouts that they are made from."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from build_support.mirror import mirror

from .environment import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree; builds share it."""
    copy = tmp_path_factory.mktemp("checkout")
    mirror(ROOT, copy)
    return copy


@pytest.fixture
def fresh_checkout(tmp_path: Path) -> Path:
    """A copy of the tree in which nothing was built or fetched."""
    copy = tmp_path / "checkout"
    mirror(ROOT, copy)
    return copy


@pytest.fixture(scope="session")
def dist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `python -m build` makes: an sdist, and a wheel built from that sdist."""
    directory = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "build", "--outdir", str(directory), cwd=checkout)
    assert done.returncode == 0, done.stdout
    return directory


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    (archive,) = dist.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (archive,) = dist.glob("*.whl")
    return archive
