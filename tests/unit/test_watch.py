"""fastserve/watch.py: which files count."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest

from fastserve.watch import Selection

PATHS = (
    "a.py", "a.txt", ".a.py", "a.pyc", ".sw.py", "~a.py", "sub/a.py", "sub/.a.py", "sub/a_test.py",
    "sub/a.html", ".git/a.py", "deep/sub/a.py",
)  # fmt: skip
INCLUDES = [[], ["*.html"], [".*"], ["a.txt"], ["sub/*.html"], ["*"]]
EXCLUDES = [[], ["*.py"], ["*_test.py"], ["sub/*"], ["*.html"]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for path in PATHS:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return tmp_path


@pytest.mark.parametrize(("includes", "excludes"), [*product(INCLUDES, EXCLUDES)])
def test_files_count_as_they_do_for_uvicorn(here: Path, includes: list[str], excludes: list[str]) -> None:
    pytest.importorskip("watchfiles")
    from uvicorn.supervisors.watchfilesreload import FileFilter

    theirs = FileFilter(SimpleNamespace(reload_includes=includes, reload_excludes=excludes))  # type: ignore[arg-type]
    ours = Selection([], includes, excludes)
    assert [path for path in PATHS if ours.counts(str(here / path)) != theirs(here / path)] == []


@pytest.mark.parametrize(
    ("dirs", "includes", "excludes", "watched"),
    [
        ([], [], [], ["."]),
        (["sub"], [], [], ["sub"]),
        (["sub", "deep", "deep/sub"], [], [], ["deep", "sub"]),
        (["sub", "."], [], [], ["."]),
        ([], ["sub"], [], ["sub"]),
        ([], ["d*p"], [], ["deep"]),
        ([], [".*"], [], ["."]),
        (["sub", "deep"], [], ["deep"], ["sub"]),
        (["deep/sub"], [], ["deep"], ["."]),
        (["a.py"], [], [], ["."]),
    ],
)
def test_which_directories_are_watched(
    here: Path, dirs: list[str], includes: list[str], excludes: list[str], watched: list[str]
) -> None:
    selection = Selection(dirs, includes, excludes)
    assert selection.directories == [(here / name).resolve() for name in watched]
    assert selection.fell_back == (watched == ["."] and dirs not in ([], ["sub", "."]))


def test_an_excluded_directory_may_be_named_from_here(here: Path) -> None:
    selection = Selection([], [], ["sub"])
    assert selection.counts(str(here / "a.py"))
    assert not selection.counts(str(here / "sub" / "a.py"))
    assert selection.counts(str(here / "deep" / "sub" / "a.py"))
