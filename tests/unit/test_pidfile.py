"""fastserve/pidfile.py: the file with a process's number, whatever somebody does to it meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastserve.pidfile import PidFile

OURS = f"{os.getpid()}\n"


def test_one_that_somebody_has_removed_steps_aside(tmp_path: Path) -> None:
    file = PidFile(str(tmp_path / "p"))
    (tmp_path / "p").unlink()
    file.step_aside()
    assert (tmp_path / "p.oldbin").read_text() == OURS
    assert not (tmp_path / "p").exists()


def test_one_that_somebody_has_removed_comes_back(tmp_path: Path) -> None:
    file = PidFile(str(tmp_path / "p"))
    file.step_aside()
    (tmp_path / "p.oldbin").unlink()
    file.come_back()
    assert (tmp_path / "p").read_text() == OURS
    file.remove()
    assert [*tmp_path.iterdir()] == []


def test_one_that_cannot_be_removed_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = PidFile(str(tmp_path / "p"))

    def refuse(path: str) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "unlink", refuse)
    file.remove()
    assert (tmp_path / "p").exists()


def test_nothing_stays_of_one_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    with pytest.raises(Exception, match=r"Cannot write --pid-file .*: Is a directory"):
        PidFile(str(tmp_path / "p"))
    assert [path.name for path in tmp_path.iterdir()] == ["p"]
